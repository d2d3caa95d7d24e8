"""Runs the comparisons of a suite one after another, and writes its tables after each."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hf_dynsel.compare import compare
from hf_dynsel.compare_section import comparison
from hf_dynsel.recipe import Recipe
from hf_dynsel.suite.files import note_failure, take_results, write_setup
from hf_dynsel.suite.load import Loaded
from hf_dynsel.suite.write import write_suite

logger = logging.getLogger(__name__)

RESULTS = "results"


@dataclass(frozen=True)
class Ran:
    """A suite that was run.

    Args:
        folder: with the tables; its `results/` hold all that they are made from.
        failed: what failed, by member.
    """

    folder: Path
    failed: Mapping[str, str]

    def require_all(self) -> None:
        """Raises ValueError if a member failed, with what it failed of."""
        if self.failed:
            lines = [f"{name}: {error}" for name, error in self.failed.items()]
            count = f"{len(lines)} {'member' if len(lines) == 1 else 'members'} failed"
            raise ValueError("\n  ".join([f"{count}; calling this again goes on:", *lines]))


def compare_suite(loaded: Loaded, jobs: int | None = None) -> Ran:
    """Returns where the tables are, after all runs of all members that were not there yet.

    A member that fails stops no other. Members share the caches of features, codes and scores,
    and what one has trained, such as full data, no later one trains again.

    Args:
        loaded: the suite, and the recipes of the members to run.
        jobs: runs at once; by default one per CUDA device.
    """
    results, failed = loaded.folder / RESULTS, {}
    write_setup(results, loaded.suite)
    write_suite(results, loaded.folder)  # what is there and cannot be read is found before work
    for number, (name, recipe) in enumerate(loaded.recipes.items(), 1):
        logger.info("suite: member %d of %d, %s", number, len(loaded.recipes), name)
        others = list(loaded.recipes.values())[: number - 1]
        error = _compare(name, recipe, results / name, jobs, others)
        if error is not None:
            failed[name] = error
        write_suite(results, loaded.folder)
    return Ran(loaded.folder, failed)


def _compare(
    name: str, recipe: Recipe, folder: Path, jobs: int | None, others: Sequence[Recipe]
) -> str | None:
    """Returns what failed of a member, if anything did; its results are put into the folder."""
    try:
        found = compare(recipe, comparison(recipe.compare, recipe.selector), jobs, others)
    except Exception as error:  # what one member dies of, the others may not
        logger.exception("suite: %s failed", name)
        text = f"{type(error).__name__}: {error}"
        note_failure(folder, text)
        return text
    take_results(found.folder / RESULTS, folder)
    if found.failed:
        count = len(found.failed)
        return (
            f"{count} {'run' if count == 1 else 'runs'} failed, such as {next(iter(found.failed))}"
        )
    return None
