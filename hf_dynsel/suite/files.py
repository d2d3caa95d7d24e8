"""The results of a suite as files: what it is, and the results of each of its members."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hf_dynsel.compare.results import SETUP, Results, read_results
from hf_dynsel.json_files import read_object
from hf_dynsel.suite.faults import section_faults
from hf_dynsel.suite.section import Suite

SUITE, FAILED = "suite_setup.json", "failed.txt"


@dataclass(frozen=True)
class Found:
    """What is there of a suite.

    Args:
        suite: what it is.
        results: of the members that have any, in their order.
        failed: the error of each member whose comparison failed when it was last run.
    """

    suite: Suite
    results: Mapping[str, Results]
    failed: Mapping[str, str]

    @property
    def missing(self) -> list[str]:
        """Members that were not run yet."""
        known = {*self.results, *self.failed}
        return [name for name in self.suite.members if name not in known]


def write_setup(folder: Path, suite: Suite) -> None:
    """Writes what a suite is into the folder of its results."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(suite.plain(), indent=2)
    (folder / SUITE).write_text(text + "\n", encoding="utf-8")


def take_results(results: Path, folder: Path) -> None:
    """Puts the results of a comparison into a member's folder, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(results, folder)


def note_failure(folder: Path, error: str) -> None:
    """Notes in a member's folder why its comparison failed; earlier results stay."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FAILED).write_text(error + "\n", encoding="utf-8")


def read_suite(folder: Path) -> Found:
    """Returns what `folder/suite_setup.json` and `folder/<member>/` hold.

    Raises:
        ValueError: if the setup is missing or faulty, or as `read_results` does.
    """
    if not (folder / SUITE).is_file():
        raise ValueError(f"{folder} has no {SUITE}; `hf-dynsel compare SUITE` writes it")
    content = read_object(folder / SUITE)
    if found := section_faults(content):
        raise ValueError("\n  ".join([f"{folder / SUITE} is no suite:", *found]))
    suite = Suite(**content)
    with_results = [name for name in suite.members if (folder / name / SETUP).is_file()]
    failed = [name for name in suite.members if (folder / name / FAILED).is_file()]
    return Found(
        suite,
        {name: read_results(folder / name) for name in with_results},
        {name: (folder / name / FAILED).read_text(encoding="utf-8").strip() for name in failed},
    )
