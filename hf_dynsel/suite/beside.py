"""Which published number stands beside which of ours: by method, fraction kept and measure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hf_dynsel.compare_section import FULL_DATA
from hf_dynsel.published import Number, label_of
from hf_dynsel.suite.measures import Measure

Place = tuple[str, float | None, str]  # our label, fraction kept, name of the measure


@dataclass(frozen=True)
class Beside:
    """The published numbers of a member, by what they are of."""

    placed: Mapping[Place, Number]

    def of(self, label: str, keep: float, measure: Measure) -> Number | None:
        """Returns the number of a method; one of an unknown fraction stands beside each of ours.

        Full data is the same beside every fraction.

        Args:
            label: ours, of the method.
            keep: fraction kept.
            measure: of the column.
        """
        fractions = (None,) if label == FULL_DATA else (keep, None)
        found = (self.placed.get((label, one, measure.name)) for one in fractions)
        return next((number for number in found if number is not None), None)


def beside(numbers: Iterable[Number], measures: Sequence[Measure]) -> Beside:
    """Returns published numbers by what they are of; those that are of nothing here are left out.

    Args:
        numbers: of one member.
        measures: of the columns.
    """
    placed: dict[Place, Number] = {}
    for place, number in _places(numbers, measures):
        placed.setdefault(place, number)
    return Beside(placed)


def ambiguous(numbers: Iterable[Number], measures: Sequence[Measure]) -> Iterator[str]:
    """Yields a fault for each place that two published numbers of different value would take."""
    taken: dict[Place, Number] = {}
    for place, number in _places(numbers, measures):
        other = taken.setdefault(place, number)
        if other.value != number.value:
            yield (
                f"'{other.method}' ({other.metric} {other.value:g}) and '{number.method}' "
                f"({number.metric} {number.value:g}) would both stand beside {place[0]}, keep "
                f"{place[1]}; name the one of this member by more of its fields, such as metric or "
                "method"
            )


def in_our_unit(number: Number, measure: Measure) -> float:
    """Returns a published value in the unit of a measure."""
    return number.value * measure.published[number.metric]


def _places(
    numbers: Iterable[Number], measures: Sequence[Measure]
) -> Iterator[tuple[Place, Number]]:
    for number in numbers:
        label = label_of(number)
        if label is None:
            continue
        keep = None if label == FULL_DATA else number.keep
        for measure in measures:
            if number.metric in measure.published:
                yield (label, keep, measure.name), number
