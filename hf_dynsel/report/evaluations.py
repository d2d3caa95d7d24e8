"""What each evaluation during training measured, and what had been trained by then."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hf_dynsel.report.history import EVAL, OURS, SPEEDS


def evaluations(
    history: Sequence[Mapping[str, Any]], samples_per_epoch: Sequence[int], steps: int
) -> list[dict[str, float]]:
    """Returns `epoch`, `step`, `samples_trained` and the metrics of each evaluation, in order.

    Samples are exact at the ends of epochs, and inside of one in proportion to its steps. Of two
    evaluations at one step the later one counts. A metric that is not finite is left out.

    Args:
        history: the trainer's log entries.
        samples_per_epoch: samples trained on, by epoch.
        steps: of the whole run.
    """
    starts = _starts(history, len(samples_per_epoch))
    spent = np.append(0, np.cumsum(samples_per_epoch))
    at, trained = [*starts.values(), steps], [*spent[list(starts)], spent[-1]]
    found = {}
    for entry in history:
        if metrics := _metrics(entry):
            step = entry["step"]
            place = {"epoch": float(entry.get("epoch", 0.0)), "step": step}
            samples = round(float(np.interp(step, at, trained)))
            found[step] = {**place, "samples_trained": samples, **metrics}
    return [found[step] for step in sorted(found)]


def _starts(history: Sequence[Mapping[str, Any]], epochs: int) -> dict[int, int]:
    """Returns the step that each epoch starts at, by epoch; what a resumed run repeats is once."""
    name = f"{OURS}epoch"
    steps = {int(entry[name]): int(entry["step"]) for entry in history if name in entry}
    return {epoch: steps[epoch] for epoch in sorted(steps) if epoch < epochs}


def _metrics(entry: Mapping[str, Any]) -> dict[str, float]:
    """Returns the metrics of an entry by name, none if it is of no evaluation."""
    return {
        name.removeprefix(EVAL): value
        for name, value in entry.items()
        if name.startswith(EVAL)
        and not name.endswith(SPEEDS)
        and isinstance(value, int | float)
        and math.isfinite(value)
    }
