"""What a suite shows of a run: each measure is one function of it and of full data's run."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from hf_dynsel.compare.table import charged_seconds
from hf_dynsel.report.summary import Summary

REACHED = 0.9  # of what full data ends with
HOUR = 3600.0  # seconds
AT = re.compile(r"accuracy_at_([1-9]\d?|100)")

Of = Callable[[Summary, Summary | None, str], float | None]


@dataclass(frozen=True)
class Measure:
    """What one column shows.

    Args:
        name: in the key `columns` of a suite.
        heading: of the column, with its unit.
        of: its value, given a run, full data's run of the same seed and budget if there is one,
            and the name of the metric; None where a run has no such value.
        reading: how to read it, in a sentence.
        published: what one unit of each published metric is in ours.
        compared: whether it is compared with RS2 and full data; else it is a cost.
        less: whether less is better.
        places: digits behind the point.
        suffix: behind the digits.
    """

    name: str
    heading: str
    of: Of
    reading: str
    published: Mapping[str, float] = field(default_factory=dict)
    compared: bool = False
    less: bool = False
    places: int = 0
    suffix: str = ""

    def show(self, value: float) -> str:
        """Returns a value as people read it."""
        return f"{value:,.{self.places}f}{self.suffix}"


def accuracy(run: Summary, full: Summary | None, metric: str) -> float | None:
    """Returns the metric at the end, in per cent."""
    return 100 * run.eval[metric]


def accuracy_at(share: float) -> Of:
    """Returns the measure of the metric after a share of the epochs, in per cent.

    Between two evaluations during training it is interpolated; outside of them there is none.
    """

    def value(run: Summary, full: Summary | None, metric: str) -> float | None:
        wanted = share * run.epochs
        points = _points(run, "epoch", metric)
        for (before, first), (after, last) in pairwise([*points[:1], *points]):
            if before <= wanted <= after:
                part = (wanted - before) / (after - before) if after > before else 0.0
                return 100 * (first + part * (last - first))
        return None

    return value


def reached_at(axis: str) -> Of:
    """Returns the measure of where the metric reaches 90 % of what full data ends with.

    Both are taken from the evaluations during training, and between two of them it is
    interpolated. A run that is there at its first evaluation is given that one's place; one that
    never gets there has none.

    Args:
        axis: `step` or `samples_trained`.
    """

    def value(run: Summary, full: Summary | None, metric: str) -> float | None:
        ends = [] if full is None else _points(full, axis, metric)
        points = _points(run, axis, metric)
        if not ends or not points:
            return None
        goal = REACHED * ends[-1][1]
        if points[0][1] >= goal:
            return points[0][0]
        for (before, low), (after, high) in pairwise(points):
            if high >= goal:
                return before + (after - before) * (goal - low) / (high - low)
        return None

    return value


def speedup_samples(run: Summary, full: Summary | None, metric: str) -> float | None:
    """Returns how many times fewer samples were trained on than full data's run did."""
    return None if full is None else full.samples_trained / run.samples_trained


def speedup(run: Summary, full: Summary | None, metric: str) -> float | None:
    """Returns how many times less time it took than full data, overhead included."""
    return None if full is None else charged_seconds(full) / charged_seconds(run)


def seconds(run: Summary, full: Summary | None, metric: str) -> float | None:
    """Returns the seconds of training and overhead, evaluation left out."""
    return charged_seconds(run)


def overhead(run: Summary, full: Summary | None, metric: str) -> float | None:
    """Returns the seconds of all that full data does not need."""
    return run.overhead_seconds


def _points(run: Summary, axis: str, metric: str) -> list[tuple[float, float]]:
    """Returns the evaluations during training: where each was, and what it found."""
    return [(point[axis], point[metric]) for point in run.curve if metric in point]


FINAL = ("top1_acc_pct", "acc_pct", "top1_acc_pct_clean", "top1_acc_pct_noisy20")
PER_CENT = dict.fromkeys((*FINAL, "top1_acc_pct_final_epoch_200"), 1.0)
QUARTER = {"top1_acc_pct_at_epoch_50": 1.0}  # of 200 epochs
TIMES = {"speedup_x": 1.0}  # the paper's fit both counts of samples and times
BY_EVALUATIONS = (
    "until the metric reaches 90 % of what full data's run of the same seed ends with, "
    "interpolated between evaluations during training; - where it never does, or there were none."
)
FIXED = (
    Measure("accuracy", "{metric}, %", accuracy, "at the end.", PER_CENT, compared=True, places=2),
    Measure("step90", "steps to 90 %", reached_at("step"), BY_EVALUATIONS, less=True),
    Measure(
        "samples90", "samples to 90 %", reached_at("samples_trained"), BY_EVALUATIONS, less=True
    ),
    Measure(
        "speedup_samples",
        "fewer samples",
        speedup_samples,
        "how many times fewer were trained on than by full data with the same seed.",
        TIMES,
        places=2,
        suffix="×",
    ),
    Measure(
        "speedup",
        "speed-up",
        speedup,
        "seconds of full data with the same seed over ours, overhead included, evaluation not.",
        TIMES,
        places=2,
        suffix="×",
    ),
    Measure(
        "seconds",
        "total, s",
        seconds,
        "training and overhead.",
        {"gpu_h": HOUR},
        less=True,
        places=1,
    ),
    Measure(
        "overhead",
        "overhead, s",
        overhead,
        "features, autoencoder, adapters, proxies, scores, looks at the pool and selection.",
        {"overhead_gpu_h": HOUR},
        less=True,
        places=1,
    ),
)
NAMES = (*(measure.name for measure in FIXED), "accuracy_at_25")


def measure_of(name: str) -> Measure | None:
    """Returns the measure of a name, `accuracy_at_<per cent of the epochs>` among them."""
    for measure in FIXED:
        if measure.name == name:
            return measure
    if (found := AT.fullmatch(name)) is None:
        return None
    share = int(found[1])
    return Measure(
        name,
        f"{{metric}} at {share} %, %",
        accuracy_at(share / 100),
        f"after {share} % of the epochs, interpolated between evaluations during training.",
        QUARTER if share == 25 else {},
        compared=True,
        places=2,
    )
