"""The seconds of each stage of several methods, what selection took beside what it saved."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from hf_dynsel.report.markdown import markdown_table
from hf_dynsel.report.summary import OVERHEAD, Summary

ORDER = (*OVERHEAD, "train", "eval")
READING = (
    "Seconds, means over the runs of a method. Overhead: all but training and evaluation. Saved, "
    "an estimate at each run's own speed: what the samples left out of all data for {epochs} "
    "epochs would have taken; - where as many went forward, and only gradients were left out."
)


def stage_table(runs: Mapping[str, Sequence[Summary]], epochs: int) -> str:
    """Returns a row per method in Markdown, and those whose selection did not pay.

    Stages that no run has are left out.

    Args:
        runs: of each method, one at least.
        epochs: of all data, which a saving is counted from.
    """
    every = [run for group in runs.values() for run in group]
    known = dict.fromkeys([*ORDER, *(stage for run in every for stage in run.seconds)])
    shown = [stage for stage in known if any(run.seconds.get(stage) for run in every)]
    rows, dear = [], []
    for label, group in runs.items():
        overhead, saved = fmean(run.overhead_seconds for run in group), _saved(group, epochs)
        rows.append(
            {
                "method": label,
                **{s: f"{fmean(run.seconds.get(s, 0.0) for run in group):,.1f}" for s in shown},
                "overhead": f"{overhead:,.1f}",
                "saved": "-" if saved is None else f"{saved:,.1f}",
            }
        )
        if saved is not None and 0 < saved <= overhead:
            dear.append(label)
    said = f" Selection took as long as it saved, or longer: {', '.join(dear)}." if dear else ""
    return f"{markdown_table(rows)}\n\n{READING.format(epochs=epochs)}{said}"


def _saved(group: Sequence[Summary], epochs: int) -> float | None:
    """Returns the mean over runs; None if it cannot be told of one."""
    parts = []
    for run in group:
        full = run.size * epochs
        if run.samples_trained < full <= run.samples_forwarded:
            return None
        parts.append(run.seconds_to(full))
    return fmean(parts)
