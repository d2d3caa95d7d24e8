"""Made-up results, and a recipe that trains in a second."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from compare_kit import setup, summary
from hf_dynsel.compare.results import Results, read_results
from hf_dynsel.recipe import Recipe, load

QUICKSTART = Path(__file__).parents[2] / "recipes" / "quickstart_digits.yaml"
SHORT = (
    "dataset.train_size=100",
    "sae.epochs=1",
    "trainer.num_train_epochs=4",
    "trainer.eval_strategy=no",
)


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Recipe]:
    """Returns a function that loads the quickstart, cut short, with changes."""

    def made(*changes: str, folder: Path | None = None) -> Recipe:
        place = folder or tmp_path_factory.mktemp("out")
        return load(QUICKSTART, [*SHORT, f"output_dir={place}", *changes])

    return made


Accuracies = Mapping[str, Sequence[float]]


@pytest.fixture
def results(tmp_path: Path) -> Callable[..., Results]:
    """Returns a function that writes and reads results of one budget: accuracies by label."""

    def made(
        arm: Accuracies,
        *,
        tails: Mapping[str, str] | None = None,
        summaries: Mapping[str, Mapping[str, Any]] | None = None,
        **changes: Any,
    ) -> Results:
        folder = tmp_path / "results"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for label, values in arm.items():
            for seed, value in enumerate(values):
                file = folder / "keep-0.3" / label / f"seed-{seed}.json"
                file.parent.mkdir(parents=True, exist_ok=True)
                more = dict((summaries or {}).get(label, {}))
                file.write_text(json.dumps(summary(label, seed, value) | more))
        (folder / "setup.json").write_text(json.dumps(asdict(setup(arm, tails or {}, **changes))))
        return read_results(folder)

    return made
