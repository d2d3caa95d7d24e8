"""The largest values of a pool or of each class: partial selection with an exact rule for ties."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Shaped

from hf_dynsel.counting import occurrences

BLOCK = 2**16  # values that are ranked at a time: few enough for a processor's cache
UNEVEN = 1.25  # how much larger than the smallest the largest class of a block may be


@dataclass(frozen=True)
class ClassBlock:
    """Classes of about the same size, as a table with a class per row, to be ranked at once.

    Args:
        classes: their numbers.
        rows: of the pool, rising within a class; a slice where they follow each other.
        shape: classes and size of the largest one.
        filled: which cells of the table hold a row, where classes differ in size.
    """

    classes: Int[np.ndarray, " c"]
    rows: Int[np.ndarray, " m"] | slice
    shape: tuple[int, int]
    filled: Bool[np.ndarray, "c w"] | None = None

    def largest(
        self,
        values: Shaped[np.ndarray, " n"],
        quotas: Int[np.ndarray, " c"],
        rng: np.random.Generator | None,
        chosen: Bool[np.ndarray, " n"],
    ) -> None:
        """Marks the rows of the largest values among those of the pool."""
        # NumPy would turn narrow indices into wide ones twice, for reading and for writing.
        rows = self.rows if isinstance(self.rows, slice) else self.rows.astype(np.intp)
        if self.filled is None:
            table = values[rows].reshape(self.shape)
            chosen[rows] = _largest(table, quotas, None, rng).ravel()
            return
        table = np.full(self.shape, _lowest(values.dtype), values.dtype)
        table[self.filled] = values[rows]
        chosen[rows] = _largest(table, quotas, self.filled, rng)[self.filled]


@dataclass(frozen=True)
class ClassGroups:
    """The rows of a pool, grouped by class; computed once and used every epoch.

    Args:
        sizes: number of rows of each class.
        blocks: all classes, those of similar size together.
    """

    sizes: Int[np.ndarray, " c"]
    blocks: tuple[ClassBlock, ...]

    @classmethod
    def of(cls, labels: Int[np.ndarray, " n"]) -> "ClassGroups":
        """Returns the groups of class labels from 0 to C-1."""
        sizes = occurrences(labels)
        small = labels.astype(np.min_scalar_type(len(sizes)), copy=False)  # sorted by radix
        order = None
        if (small[1:] < small[:-1]).any():
            order = np.argsort(small, kind="stable").astype(_index_type(len(labels)), copy=False)
        return cls(sizes, tuple(_blocks(sizes, order)))

    def members(self) -> list[Int[np.ndarray, " m"]]:
        """Returns the rows of each class, rising."""
        found: dict[int, Int[np.ndarray, " m"]] = {}
        for block in self.blocks:
            rows = block.rows
            if isinstance(rows, slice):
                rows = np.arange(rows.start, rows.stop)
            parts = np.split(rows, np.cumsum(self.sizes[block.classes])[:-1])
            found.update(zip(block.classes.tolist(), parts, strict=True))
        return [found[label] for label in range(len(self.sizes))]


def _blocks(
    sizes: Int[np.ndarray, " c"], order: Int[np.ndarray, " n"] | None
) -> Iterator[ClassBlock]:
    """Yields blocks of classes, by size; without an order, classes follow each other."""
    starts = np.cumsum(sizes) - sizes
    by_size = np.argsort(sizes, kind="stable")
    ranked = sizes[by_size]
    done = 0
    while done < len(sizes):
        limit = np.searchsorted(ranked, UNEVEN * ranked[done], side="right")
        fits = (np.arange(1, limit - done + 1) * ranked[done:limit] <= BLOCK).sum()
        classes = by_size[done : done + max(1, int(fits))]
        done += len(classes)
        width = int(sizes[classes[-1]])
        shape, first = (len(classes), width), int(starts[classes[0]])
        if sizes[classes[0]] == width and (np.diff(classes) == 1).all():
            follow = slice(first, first + len(classes) * width)
            yield ClassBlock(classes, follow if order is None else order[follow], shape)
            continue
        columns = np.arange(width)
        filled = columns < sizes[classes][:, None]
        places = (starts[classes][:, None] + columns)[filled]
        rows = places.astype(_index_type(int(sizes.sum()))) if order is None else order[places]
        yield ClassBlock(classes, rows, shape, None if filled.all() else filled)


def top(
    values: Shaped[np.ndarray, " n"], count: int, rng: np.random.Generator | None = None
) -> Int[np.ndarray, " k"]:
    """Returns the rows of the `count` largest values, in rising order, in linear time.

    Args:
        values: numbers without NaN.
        count: how many rows, at most all of them.
        rng: breaks ties at the border at random. None prefers the lower row.
    """
    return np.flatnonzero(_largest(values[None], np.array([count]), None, rng))


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
    for block in groups.blocks:
        block.largest(values, quotas[block.classes], rng, chosen)
    return np.flatnonzero(chosen)


def _largest(
    table: Shaped[np.ndarray, "c w"],
    quotas: Int[np.ndarray, " c"],
    filled: Bool[np.ndarray, "c w"] | None,
    rng: np.random.Generator | None,
) -> Bool[np.ndarray, "c w"]:
    """Marks the largest values of each row: all above a border, and some equal to it."""
    borders = _borders(table, quotas)
    chosen: Bool[np.ndarray, "c w"] = table >= borders
    if filled is not None:
        chosen &= filled
    excess = np.count_nonzero(chosen, axis=1) - quotas
    crowded = np.flatnonzero(excess)
    if len(crowded):
        tied = chosen[crowded] & (table[crowded] == borders[crowded])
        chosen[crowded] ^= _last_of_each(tied, excess[crowded], rng)
    return chosen


def _borders(
    table: Shaped[np.ndarray, "c w"], quotas: Int[np.ndarray, " c"]
) -> Shaped[np.ndarray, "c 1"]:
    """Returns the lowest value within the quota of each row, or the highest of all for none."""
    borders = np.empty_like(table, shape=(len(table), 1))
    for quota in np.unique(quotas):  # NumPy finds one rank many times faster than two at once
        rank = table.shape[1] - max(int(quota), 1)
        same = quotas == quota
        wanted = table if same.all() else table[same]
        borders[same, 0] = np.partition(wanted, rank, axis=1)[:, rank]
    return borders


def _last_of_each(
    marks: Bool[np.ndarray, "c w"],
    counts: Int[np.ndarray, " c"],
    rng: np.random.Generator | None,
) -> Bool[np.ndarray, "c w"]:
    """Returns the last `counts` marks of each row alone, or as many drawn at random."""
    rows, columns = np.nonzero(marks)
    if rng is not None:
        mixed = rng.permutation(len(rows))
        mixed = mixed[np.argsort(rows[mixed], kind="stable")]
        rows, columns = rows[mixed], columns[mixed]
    ends = np.cumsum(np.bincount(rows, minlength=len(marks)))
    last = ends[rows] - np.arange(len(rows)) <= counts[rows]
    only = np.zeros_like(marks)
    only[rows[last], columns[last]] = True
    return only


def _lowest(kind: np.dtype) -> float | int:
    return -np.inf if kind.kind == "f" else np.iinfo(kind).min


def _index_type(size: int) -> type[np.signedinteger]:
    return np.int32 if size <= np.iinfo(np.int32).max else np.int64
