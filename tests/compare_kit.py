"""Made-up summaries of runs, and the setup of a comparison of them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from hf_dynsel import yaml_files
from hf_dynsel.compare.cells import Cell
from hf_dynsel.compare.folders import mark
from hf_dynsel.compare.results import Setup

ENVIRONMENT = {
    "devices": [],
    "cpu": "A processor",
    "torch_threads": 1,
    "commit": "abc",
    "packages": {"hf-dynsel": "0.1", "torch": "2.15", "transformers": "5.23"},
}


def summary(label: str, seed: int, accuracy: float, **changes: Any) -> dict[str, Any]:
    """Returns the content of a summary: 4 epochs of 30 of 100 samples, in 10 s and 1 s more."""
    content = {
        "recipe": "demo",
        "selector": label,
        "keep": 0.3,
        "seed": seed,
        "epochs": 4,
        "eval": {"loss": 1.0, "accuracy": accuracy},
        "samples_per_epoch": [30] * 4,
        "samples_trained": 120,
        "samples_forwarded": 120,
        "samples_swept": 0,
        "samples_full": 400,
        "optimizer_steps": 4,
        "seconds": {"select": 1.0, "train": 10.0, "eval": 5.0},
        "usage": {"never_used": 0.0, "gini": 0.1, "max": 4},
        "environment": ENVIRONMENT,
    }
    return content | changes


def setup(labels: Iterable[str], tails: Mapping[str, str], **changes: Any) -> Setup:
    """Returns a comparison of one budget by equal epochs; `changes` replace its fields."""
    content: dict[str, Any] = {
        "recipe": "demo",
        "data": "digits",
        "rule": "equal_epochs",
        "epochs": 4,
        "metric": "accuracy",
        "keeps": [0.3],
        "seeds": [0, 1, 2],
        "jobs": 1,
        "budgets": {"0.3": 4},
        "methods": {"0.3": {label: {"name": label, "keep": 0.3} for label in labels}},
        "tails": {"0.3": tails},
        "notes": [],
    }
    return Setup(**(content | changes))


def finish(cell: Cell, accuracy: float) -> None:
    """Leaves what a finished run leaves: its recipe, its origin and its summary."""
    folder, section = cell.recipe.folder, cell.recipe.selector
    mark(cell)
    yaml_files.write(cell.recipe.plain(), folder / "recipe.yaml")
    own = {"recipe": cell.recipe.name, "keep": section.get("keep")}
    content = summary(section["name"], cell.seed, accuracy, **own)
    (folder / "summary.json").write_text(json.dumps(content))
