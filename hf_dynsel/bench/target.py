"""What a benchmark measured as a ratio, beside what it should be."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Target:
    """One ratio and its limit.

    Args:
        what: was measured, in words.
        ratio: that came out.
        limit: of it.
        at_least: whether the ratio should be at least the limit; else at most.
        details: the numbers behind it, with units in their names.
    """

    what: str
    ratio: float
    limit: float
    at_least: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether the ratio is on the right side of its limit."""
        return self.ratio >= self.limit if self.at_least else self.ratio <= self.limit


@dataclass(frozen=True)
class Pair:
    """Seconds of two ways of doing the same, measured in turn.

    Args:
        ours: median.
        theirs: median.
        ratio: median of ours by theirs, each of one turn, which what slows down both leaves as
            it is.
    """

    ours: float
    theirs: float
    ratio: float


def paired(ours: Callable[[], object], theirs: Callable[[], object], turns: int) -> Pair:
    """Returns the seconds of two functions that run in turn, the first of each turn changing.

    Args:
        ours: called once more beforehand, as is the other, to warm up.
        theirs: what it is measured against.
        turns: how many.
    """
    return timed(partial(seconds, ours), partial(seconds, theirs), turns)


def timed(ours: Callable[[], float], theirs: Callable[[], float], turns: int) -> Pair:
    """Does the same as `paired` for functions that return the seconds that count."""
    ours(), theirs()
    found: list[tuple[float, float]] = []
    for turn in range(turns):
        first, second = (theirs, ours) if turn % 2 else (ours, theirs)
        one, other = first(), second()
        found.append((other, one) if turn % 2 else (one, other))
    own, others = zip(*found, strict=True)
    return Pair(median(own), median(others), median(a / b for a, b in found))


def seconds(function: Callable[[], object]) -> float:
    """Returns how long a call took, on the clock on the wall."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
