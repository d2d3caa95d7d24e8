"""What the top of the page says: the run in one sentence, its key numbers, and how to read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hf_dynsel.report.history import SPEEDS
from hf_dynsel.report.summary import Summary

MOST_FACTS = 8


@dataclass(frozen=True)
class KeyNumber:
    """One number for the top of the page.

    Args:
        name: what it is.
        exact: the number as the summary has it.
        shown: the number as people read it, with its unit.
        note: what to compare it with.
    """

    name: str
    exact: float
    shown: str
    note: str = ""


def sentence(summary: Summary) -> str:
    """Returns what was trained, in one sentence."""
    kept = "" if summary.keep is None else f" with keep {summary.keep:.4g}"
    return (
        f"{summary.selector}{kept} trained for {summary.epochs:,} epochs on a training set of "
        f"{summary.size:,} samples, with seed {summary.seed}."
    )


def machine(summary: Summary) -> str:
    """Returns the first few facts on hardware and versions, in one line."""
    facts = flat(summary.environment)
    return " · ".join(f"{name} {value}" for name, value in facts[:MOST_FACTS])


def key_numbers(summary: Summary) -> list[KeyNumber]:
    """Returns the results, then the saving, then what it cost."""
    metrics = [
        KeyNumber(name.removeprefix("eval_"), value, f"{value:.4g}", "final evaluation")
        for name, value in summary.eval.items()
        if isinstance(value, int | float) and not name.endswith(SPEEDS)
    ]
    return metrics + _saving(summary) + _cost(summary)


def _saving(summary: Summary) -> list[KeyNumber]:
    trained, full = summary.samples_trained, summary.samples_full
    swept = f" and {summary.samples_swept:,} only to be scored" if summary.samples_swept else ""
    return [
        KeyNumber(
            "samples trained", trained, f"{trained:,}", f"all data: {full:,} ({trained / full:.1%})"
        ),
        KeyNumber("fewer samples", summary.saving, f"{summary.saving:.2f}×", "a count, not a time"),
        KeyNumber(
            "samples forwarded",
            summary.samples_forwarded,
            f"{summary.samples_forwarded:,}",
            f"through the model{swept}",
        ),
    ]


def _cost(summary: Summary) -> list[KeyNumber]:
    never = summary.usage["never_used"]
    return [
        KeyNumber(
            "selection overhead",
            summary.overhead_seconds,
            f"{summary.overhead_seconds:,.1f} s",
            f"{summary.overhead_share:.1%} of {summary.total_seconds:,.1f} s",
        ),
        KeyNumber("never used", never, f"{never:.1%}", "of the training set"),
        KeyNumber(
            "usage Gini", summary.usage["gini"], f"{summary.usage['gini']:.2f}", "0: all used alike"
        ),
        KeyNumber(
            "optimizer steps",
            summary.optimizer_steps,
            f"{summary.optimizer_steps:,}",
            "model updates",
        ),
    ]


def reading(summary: Summary) -> list[str]:
    """Returns what the numbers do and do not say, one paragraph each."""
    return [
        f"The saving of {summary.saving:.2f}× counts samples that received a gradient. It is not "
        "a speed-up: features, scores, sweeps and selection take time too, and evaluation takes "
        "as long as before.",
        "Seconds are wall time on the machine below, measured once. Another machine, batch size "
        "or number of workers gives others.",
        "This is one run with one seed, and no full-data run is in it: differences between runs "
        "that are smaller than the spread over seeds mean nothing.",
    ]


def flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Returns nested values as rows of a dotted name and a text."""
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            rows.append((f"{prefix}{name}", ", ".join(map(str, value)) or "none"))
        else:
            rows.append((f"{prefix}{name}", "none" if value is None else str(value)))
    return rows
