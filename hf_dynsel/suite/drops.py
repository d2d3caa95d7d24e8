"""What one member loses against another, method by method: clean labels less noisy ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from hf_dynsel.compare.results import Results
from hf_dynsel.compare.statistics import Difference, difference
from hf_dynsel.published import label_of
from hf_dynsel.suite.entries import column, known
from hf_dynsel.suite.measures import Measure
from hf_dynsel.suite.section import Suite


@dataclass(frozen=True)
class Drop:
    """What a method loses.

    Args:
        keep: fraction of the pool.
        method: our label.
        first: mean of the measure in the first member, over the seeds of both.
        second: the same in the second.
        drop: the first less the second, paired by seed.
        paper: the published one.
    """

    keep: float
    method: str
    first: float
    second: float
    drop: Difference
    paper: float | None


def drops(suite: Suite, results: Mapping[str, Results]) -> list[Drop]:
    """Returns what each method of both members loses, by budget, the least first.

    It is of the first column that is compared. Without results of both members there is nothing.

    Args:
        suite: that names the two.
        results: by member.
    """
    compared = [measure for measure in suite.measures if measure.compared]
    if not compared or suite.drop is None or not {*suite.drop} <= results.keys():
        return []
    one, other = (results[name] for name in suite.drop)
    found: list[Drop] = []
    for keep in one.runs:
        if keep in other.runs:
            rows = _budget(suite, one, other, keep, compared[0])
            found += sorted(rows, key=lambda row: (row.drop.mean, row.method))
    return found


def _budget(
    suite: Suite, one: Results, other: Results, keep: float, measure: Measure
) -> list[Drop]:
    printed = {(label_of(row), row.keep): row.value for row in suite.drops()}
    first, second = column(one, keep, measure), column(other, keep, measure)
    found = []
    for label in first.keys() & second.keys():
        ours, theirs = known(first[label]), known(second[label])
        gap = difference(ours, theirs)
        if gap is not None:
            seeds = ours.keys() & theirs.keys()
            found.append(
                Drop(
                    keep=keep,
                    method=label,
                    first=fmean(ours[seed] for seed in seeds),
                    second=fmean(theirs[seed] for seed in seeds),
                    drop=gap,
                    paper=printed.get((label, keep)),
                )
            )
    return found
