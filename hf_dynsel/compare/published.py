"""The order that papers publish beside the order that was measured here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from scipy import stats

from hf_dynsel.compare.results import Results
from hf_dynsel.compare.table import table
from hf_dynsel.compare_section import FULL_DATA
from hf_dynsel.published import Number, label_of, published, variant_of

FEWEST = 2  # methods that have an order
ACCURACIES = ("top1_acc_pct", "acc_pct")


@dataclass(frozen=True)
class Agreement:
    """Two orders of the same methods.

    Args:
        place: source, dataset, model and fraction kept of the published one.
        theirs: labels by published value, best first.
        ours: labels by our mean, best first.
        tau: Kendall's tau-b of the two, from -1 to 1; NaN where one has no order.
        apart: pairs that the two order in opposite ways: what the paper has ahead comes first.
    """

    place: str
    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    tau: float
    apart: tuple[tuple[str, str], ...]

    def describe(self) -> str:
        """Returns both orders in Markdown, and where they differ."""
        apart = "; ".join(f"{a} before {b}" for a, b in self.apart) or "none"
        return (
            f"**{self.place}** (Kendall's tau {self.tau:+.2f})\n\n"
            f"- published: {' > '.join(self.theirs)}\n"
            f"- ours: {' > '.join(self.ours)}\n"
            f"- in the paper but not here: {apart}"
        )


def agreement(
    place: str, theirs: Mapping[str, float], ours: Mapping[str, float]
) -> Agreement | None:
    """Returns the two orders of the methods in common; None if there are fewer than two.

    Args:
        place: what the published values are of.
        theirs: published values by label, higher is better.
        ours: our means by label.
    """
    names = [name for name in theirs if name in ours and name != FULL_DATA]
    if len(names) < FEWEST:
        return None
    tau = stats.kendalltau([theirs[n] for n in names], [ours[n] for n in names]).statistic
    order = sorted(names, key=lambda name: -theirs[name])
    apart = tuple((a, b) for a, b in combinations(order, 2) if _opposite(a, b, theirs, ours))
    best = tuple(sorted(names, key=lambda name: -ours[name]))
    return Agreement(place, tuple(order), best, float(tau), apart)


def agreements(
    numbers: Iterable[Number], ours: Mapping[float, Mapping[str, float]]
) -> list[Agreement]:
    """Returns the two orders of the methods in common, for each published table and fraction.

    Args:
        numbers: of papers, of one metric.
        ours: mean of the metric by `keep` and label.

    Raises:
        ValueError: if two methods of a published table have one label.
    """
    tables: dict[tuple[str, float], dict[str, float]] = {}
    for number in numbers:
        label = label_of(number)
        if label in (None, FULL_DATA) or number.keep is None or number.keep not in ours:
            continue
        place = f"{_place(number)}, keep {number.keep}"
        values = tables.setdefault((place, number.keep), {})
        if label in values:
            raise ValueError(f"{place}: two methods have the label '{label}'; name one of them")
        values[label] = number.value
    found = [agreement(place, values, ours[keep]) for (place, keep), values in tables.items()]
    return [one for one in found if one is not None]


def published_order(results: Results) -> str:
    """Returns both orders in Markdown, and where they differ, for every table of accuracies."""
    ours = {keep: {line.label: line.mean for line in arm} for keep, arm in table(results).items()}
    numbers = [number for number in published().numbers if number.metric in ACCURACIES]
    parts = [found.describe() for found in agreements(numbers, ours)]
    return "\n\n".join(parts) + "\n" if parts else "No published table has two of these methods.\n"


def _place(number: Number) -> str:
    source = published().source(number.paper, number.table)
    more = (number.dataset, number.backbone, number.lr_schedule, variant_of(number))
    return ", ".join(part for part in (source, *more) if part is not None)


def _opposite(a: str, b: str, theirs: Mapping[str, float], ours: Mapping[str, float]) -> bool:
    return (theirs[a] - theirs[b]) * (ours[a] - ours[b]) < 0
