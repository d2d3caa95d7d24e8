"""Curves in the trainer's log: what is measured while it trains, and what selection reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

OURS, EVAL = "selection/", "eval_"
DRAWN_ELSEWHERE = ("epoch", "size", "never_used", "overlap")
SPEEDS = ("runtime", "samples_per_second", "steps_per_second", "preparation_time")
NO_METRICS = ("loss", *SPEEDS)


@dataclass(frozen=True)
class Curve:
    """A logged number over training time, in epochs."""

    epochs: Float[np.ndarray, " p"]
    values: Float[np.ndarray, " p"]


def curve(history: Sequence[Mapping[str, Any]], name: str) -> Curve:
    """Returns the values logged under a name, in the order of the log; none if never logged."""
    entries = [entry for entry in history if name in entry and "epoch" in entry]
    return Curve(
        np.array([entry["epoch"] for entry in entries], dtype=np.float64),
        np.array([entry[name] for entry in entries], dtype=np.float64),
    )


def metric_names(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the logged evaluation metrics without `eval_`; losses and timings are not metrics."""
    names = dict.fromkeys(
        name
        for entry in history
        for name, value in entry.items()
        if name.startswith(EVAL) and isinstance(value, int | float)
    )
    return [n.removeprefix(EVAL) for n in names if not n.endswith(NO_METRICS)]


def diagnostics(
    history: Sequence[Mapping[str, Any]], num_epochs: int
) -> dict[str, Float[np.ndarray, " e"]]:
    """Returns what the selector reported of itself, one value per epoch, NaN where it did not.

    An epoch reported twice, because a run was resumed, counts as it was reported last.
    """
    found: dict[str, Float[np.ndarray, " e"]] = {}
    for entry in history:
        epoch = int(entry.get(f"{OURS}epoch", entry.get("epoch", 0)))
        for key, value in entry.items():
            name = key.removeprefix(OURS)
            if key != name and epoch < num_epochs:
                found.setdefault(name, np.full(num_epochs, np.nan))[epoch] = value
    return {
        name: values
        for name, values in found.items()
        if name not in DRAWN_ELSEWHERE and not name.startswith("class_share/")
    }
