"""Made-up results of suites: members with runs whose numbers a reader can check."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from compare_kit import setup, summary

Arms = Mapping[str, Mapping[str, Sequence[float]]]  # accuracies by keep and label
BASE: dict[str, Any] = {
    "suite": "demo_suite",
    "title": "A demonstration",
    "paper": "B",
    "table": "1",
    "members": {
        "first": {
            "recipe": "first.yaml",
            "published": {"dataset": "CIFAR-10", "backbone": "ResNet-18"},
        }
    },
}


def curve(*accuracies: float, steps: int = 10, samples: int = 30) -> list[dict[str, float]]:
    """Returns the curve of a run that is evaluated after each epoch."""
    return [
        {
            "epoch": epoch,
            "step": epoch * steps,
            "samples_trained": epoch * samples,
            "accuracy": found,
        }
        for epoch, found in enumerate(accuracies, 1)
    ]


def write_suite_file(folder: Path, **changes: Any) -> Path:
    """Returns a folder with the setup of a suite; `changes` replace its keys."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite_setup.json").write_text(json.dumps(BASE | changes))
    return folder


def write_member(
    folder: Path, arms: Arms, runs: Mapping[str, Mapping[str, Any]] | None = None, **changes: Any
) -> Path:
    """Returns a member's folder of results: one run per accuracy, seeds from 0.

    Args:
        folder: of the member.
        arms: accuracies by keep and label.
        runs: what replaces keys of the summaries, by label.
        changes: what replaces keys of the setup.
    """
    methods: dict[str, dict[str, Any]] = {}
    for keep, arm in arms.items():
        methods[keep] = {}
        for label, values in arm.items():
            own = None if label == "FullData" else float(keep)
            methods[keep][label] = {"name": label} | ({} if own is None else {"keep": own})
            for seed, value in enumerate(values):
                file = folder / f"keep-{keep}" / label / f"seed-{seed}.json"
                file.parent.mkdir(parents=True, exist_ok=True)
                more = {"keep": own} | dict((runs or {}).get(label, {}))
                file.write_text(json.dumps(summary(label, seed, value) | more))
    whole = {
        "keeps": [float(keep) for keep in arms],
        "seeds": list(range(max(len(v) for arm in arms.values() for v in arm.values()))),
        "budgets": dict.fromkeys(arms, 4),
        "methods": methods,
    }
    content = asdict(setup((), {}, **(whole | changes))) | {"tails": {keep: {} for keep in arms}}
    (folder / "setup.json").write_text(json.dumps(content))
    return folder
