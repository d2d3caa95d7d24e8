"""The rows of a suite: what a measure says of a method, and what the paper says of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, stdev

from hf_dynsel.compare.results import Results
from hf_dynsel.compare.statistics import Difference, difference
from hf_dynsel.compare_section import FULL_DATA, RS2
from hf_dynsel.published import Number, label_of
from hf_dynsel.suite.beside import Beside, beside, in_our_unit
from hf_dynsel.suite.measures import Measure

Values = Mapping[int, float | None]  # by seed


@dataclass(frozen=True)
class Entry:
    """What one measure says of one method at one budget.

    Args:
        member: of the suite.
        keep: fraction of the pool.
        method: our label.
        measure: its name.
        runs: how many there are.
        seeds: how many of them have a value.
        mean: of the values; None where no run has one.
        std: sample standard deviation; None for fewer than two values.
        to_rs2: paired difference to RS2; None for costs, and for RS2.
        to_full: paired difference to full data; None for costs, and for full data.
        paper: the published value, in our unit.
        paper_to_full: that less the published value of full data.
        number: the published number as it is printed.
    """

    member: str
    keep: float
    method: str
    measure: str
    runs: int
    seeds: int
    mean: float | None
    std: float | None
    to_rs2: Difference | None = None
    to_full: Difference | None = None
    paper: float | None = None
    paper_to_full: float | None = None
    number: Number | None = None

    @property
    def gap(self) -> Difference | None:
        """Our difference to full data less the paper's; the interval is that of ours alone."""
        ours, theirs = self.to_full, self.paper_to_full
        if ours is None or theirs is None:
            return None
        low = None if ours.low is None else ours.low - theirs
        high = None if ours.high is None else ours.high - theirs
        return Difference(ours.seeds, ours.mean - theirs, low, high)


def entries(
    member: str, results: Results, measures: Sequence[Measure], numbers: Iterable[Number]
) -> list[Entry]:
    """Returns the entries of a member: by budget, then by measure, the best first.

    Args:
        member: its name.
        results: of its comparison.
        measures: of the columns.
        numbers: that the paper prints of it.
    """
    theirs, found = beside(numbers, measures), list[Entry]()
    for keep in results.runs:
        for measure in measures:
            values = column(results, keep, measure)
            rows = [_entry(member, keep, label, measure, values, theirs) for label in values]
            found += sorted(rows, key=partial(_order, less=measure.less))
    return found


def not_run(numbers: Iterable[Number], shown: Iterable[Entry]) -> list[Number]:
    """Returns the published numbers that stand beside none of ours, those of full data aside."""
    used = {entry.number for entry in shown}
    return [one for one in numbers if one not in used and label_of(one) != FULL_DATA]


def column(results: Results, keep: float, measure: Measure) -> dict[str, Values]:
    """Returns the value of each run by label and seed, None where it has none."""
    arm, metric = results.runs[keep], results.setup.metric
    full = arm.get(FULL_DATA, {})
    return {
        label: {seed: measure.of(run, full.get(seed), metric) for seed, run in runs.items()}
        for label, runs in arm.items()
    }


def _entry(
    member: str,
    keep: float,
    label: str,
    measure: Measure,
    found: Mapping[str, Values],
    theirs: Beside,
) -> Entry:
    values = list(known(found[label]).values())
    number, full = theirs.of(label, keep, measure), theirs.of(FULL_DATA, keep, measure)
    paper, full_of_paper = _value(number, measure), _value(full, measure)
    gap = None if paper is None or full_of_paper is None else paper - full_of_paper
    return Entry(
        member=member,
        keep=keep,
        method=label,
        measure=measure.name,
        runs=len(found[label]),
        seeds=len(values),
        mean=fmean(values) if values else None,
        std=stdev(values) if len(values) > 1 else None,
        to_rs2=_to(RS2, label, found) if measure.compared else None,
        to_full=_to(FULL_DATA, label, found) if measure.compared else None,
        paper=paper,
        paper_to_full=gap if measure.compared and label != FULL_DATA else None,
        number=number,
    )


def _value(number: Number | None, measure: Measure) -> float | None:
    return None if number is None else in_our_unit(number, measure)


def known(values: Values) -> dict[int, float]:
    """Returns the values of the runs that have one."""
    return {seed: value for seed, value in values.items() if value is not None}


def _to(other: str, label: str, found: Mapping[str, Values]) -> Difference | None:
    if label == other or other not in found:
        return None
    return difference(known(found[label]), known(found[other]))


def _order(entry: Entry, less: bool) -> tuple[bool, float, str]:
    mean = entry.mean or 0.0
    return entry.mean is None, mean if less else -mean, entry.method
