"""A short run on digits, one with wrong labels, and made-up results of a comparison."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from compare_kit import setup, summary
from hf_dynsel.recipe import load
from hf_dynsel.run import run

QUICKSTART = Path(__file__).parents[2] / "recipes" / "quickstart_digits.yaml"
SHORT = (
    "dataset.train_size=240",
    "sae.epochs=2",
    "trainer.num_train_epochs=5",
    "trainer.eval_strategy=no",
)


@pytest.fixture(scope="session", autouse=True)
def stage_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps what the stages make in a folder of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DYNSEL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory, stage_cache: None) -> Path:
    """Returns the folder of a run of RepDiv on 240 digits."""
    folder = tmp_path_factory.mktemp("digits")
    return run(load(QUICKSTART, [*SHORT, f"output_dir={folder}"]), report=False)


@pytest.fixture(scope="session")
def noisy(tmp_path_factory: pytest.TempPathFactory, stage_cache: None) -> Path:
    """Returns the folder of a run of random subsets, a fifth of the labels drawn anew."""
    folder = tmp_path_factory.mktemp("noisy")
    changes = [
        "dataset.label_noise={share: 0.2}",
        "features=null",
        "sae=null",
        "scores=null",
        "selector={name: DynamicRandom, keep: 0.3}",
        f"output_dir={folder}",
    ]
    return run(load(QUICKSTART, [*SHORT, *changes]), report=False)


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes results: final accuracies by `keep` and label, and curves."""

    def made(
        arms: Mapping[float, Mapping[str, Sequence[float]]],
        curves: Mapping[str, Sequence[Mapping[str, float]]] | None = None,
        name: str = "results",
    ) -> Path:
        folder = tmp_path / name
        labels = [label for arm in arms.values() for label in arm]
        for keep, arm in arms.items():
            for label, values in arm.items():
                for seed, value in enumerate(values):
                    more: dict[str, Any] = {"keep": keep}
                    if curves and label in curves:
                        more["curve"] = [dict(point) for point in curves[label]]
                    file = folder / f"keep-{keep}" / label / f"seed-{seed}.json"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(json.dumps(summary(label, seed, value) | more))
        of_keep = {
            str(keep): {label: {"name": label, "keep": keep} for label in labels} for keep in arms
        }
        changes = {
            "keeps": list(arms),
            "budgets": {str(keep): 4 for keep in arms},
            "methods": of_keep,
            "tails": {str(keep): {} for keep in arms},
        }
        content = asdict(replace(setup(labels, {}), **changes))
        (folder / "setup.json").write_text(json.dumps(content))
        return folder

    return made
