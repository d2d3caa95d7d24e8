"""The largest values of a pool or of each class: partial selection with an exact rule for ties."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Shaped


@dataclass(frozen=True)
class ClassGroups:
    """The rows of a pool, grouped by class; computed once and used every epoch.

    Args:
        order: all rows, class after class, rising within a class.
        sizes: number of rows of each class.
    """

    order: Int[np.ndarray, " n"]
    sizes: Int[np.ndarray, " c"]

    @classmethod
    def of(cls, labels: Int[np.ndarray, " n"]) -> "ClassGroups":
        """Returns the groups of class labels from 0 to C-1."""
        return cls(np.argsort(labels, kind="stable"), np.bincount(labels))


def top(
    values: Shaped[np.ndarray, " n"], count: int, rng: np.random.Generator | None = None
) -> Int[np.ndarray, " k"]:
    """Returns the rows of the `count` largest values, in rising order, in linear time.

    Args:
        values: numbers without NaN.
        count: how many rows, at most all of them.
        rng: breaks ties at the border at random. None prefers the lower row.
    """
    sizes, quotas = np.array([len(values)]), np.array([count])
    return np.flatnonzero(_largest(values, sizes, quotas, rng))


def top_per_class(
    values: Shaped[np.ndarray, " n"],
    groups: ClassGroups,
    quotas: Int[np.ndarray, " c"],
    rng: np.random.Generator | None = None,
) -> Int[np.ndarray, " k"]:
    """Returns the rows of each class's largest values, in rising order, in linear time.

    Args:
        values: numbers without NaN, one per row of the pool.
        groups: the classes.
        quotas: how many rows of each class, at most all of them.
        rng: breaks ties at the border at random. None prefers the lower row.
    """
    chosen = np.zeros(len(values), dtype=bool)
    chosen[groups.order] = _largest(values[groups.order], groups.sizes, quotas, rng)
    return np.flatnonzero(chosen)


def _largest(
    values: Shaped[np.ndarray, " n"],
    sizes: Int[np.ndarray, " c"],
    quotas: Int[np.ndarray, " c"],
    rng: np.random.Generator | None,
) -> Bool[np.ndarray, " n"]:
    """Marks the largest values of consecutive groups: all above a border, and some equal to it."""
    ends = np.cumsum(sizes)
    borders = np.full(len(sizes), values.max())  # of a group with quota zero: nothing is above
    for group in np.flatnonzero(quotas):
        size, end = sizes[group], ends[group]
        rank = size - quotas[group]
        borders[group] = np.partition(values[end - size : end], rank)[rank]
    border = np.repeat(borders, sizes)
    chosen: Bool[np.ndarray, " n"] = values > border
    tied = np.flatnonzero(values == border)
    above = np.add.reduceat(chosen, ends - sizes, dtype=np.intp)
    chosen[_first_of_each(tied, ends, quotas - above, rng)] = True
    return chosen


def _first_of_each(
    rows: Int[np.ndarray, " t"],
    ends: Int[np.ndarray, " c"],
    counts: Int[np.ndarray, " c"],
    rng: np.random.Generator | None,
) -> Int[np.ndarray, " k"]:
    """Returns the first `counts` rows of each group, or as many drawn at random."""
    if rng is not None:
        rows = rng.permutation(rows)
    owners = np.searchsorted(ends, rows, side="right")
    by_owner = np.argsort(owners, kind="stable")
    owners = owners[by_owner]
    starts = np.searchsorted(owners, np.arange(len(ends)))
    places = np.arange(len(rows)) - starts[owners]
    picked: Int[np.ndarray, " k"] = rows[by_owner[places < counts[owners]]]
    return picked
