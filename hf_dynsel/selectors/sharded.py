"""The largest values of a pool whose rows are spread over processes.

Each process holds a stretch of the rows. What it adds to the others is a histogram of 256 numbers
per class and byte, whatever the size of the pool; the result is that of one process, ties included.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

Total = Callable[[Int[np.ndarray, "..."]], Int[np.ndarray, "..."]]
BYTE, BINS = 8, 256


def sharded_top(
    values: Float[np.ndarray, " n"],
    quotas: Int[np.ndarray, " c"],
    total: Total,
    *,
    process: int,
    processes: int,
    labels: Int[np.ndarray, " n"] | None = None,
) -> Int[np.ndarray, " k"]:
    """Returns the own rows that are among the largest values of all processes, in rising order.

    `hf_dynsel.selectors.ranking.top_per_class` of all values together chooses the same rows, the
    lower ones of equal values. Rows count from zero on each process, and process after process.
    Beside the values it takes a key of the same width and two marks per row, and as many rounds
    of `total` as a value has bytes, and two more.

    Args:
        values: of the own rows, without NaN.
        quotas: how many rows of each class, over all processes; one number without labels.
        total: sums an array of integers over all processes, such as an all-reduce.
        process: number of this one.
        processes: how many there are.
        labels: class of each own row, from 0 to C-1. None ranks all rows together.

    Raises:
        ValueError: if a class has fewer rows, over all processes, than its quota.
    """
    classes = np.zeros(len(values), np.intp) if labels is None else labels.astype(np.intp)
    keys = ordered(values)
    _check(quotas, total(np.bincount(classes, minlength=len(quotas)).astype(np.int64)))
    border, wanted = _borders(keys, classes, quotas, total)
    chosen: Bool[np.ndarray, " n"] = keys > border[classes]
    tied = np.flatnonzero(keys == border[classes])
    own = np.zeros((processes, len(quotas)), np.int64)
    own[process] = np.bincount(classes[tied], minlength=len(quotas))
    before = total(own)[:process].sum(axis=0)
    left = np.maximum(wanted - before, 0)
    by_class = np.argsort(classes[tied], kind="stable")
    starts = np.cumsum(own[process]) - own[process]
    place = np.arange(len(tied)) - starts[classes[tied][by_class]]
    chosen[tied[by_class[place < left[classes[tied][by_class]]]]] = True
    chosen[quotas[classes] == 0] = False
    return np.flatnonzero(chosen)


def ordered(values: Float[np.ndarray, " n"]) -> UInt[np.ndarray, " n"]:
    """Returns integers without sign in the order of the values, equal where these are equal.

    Reference:
        Of the bits of an IEEE float all are flipped where it is negative, else the sign alone.
    """
    kind = np.dtype(f"u{values.dtype.itemsize}")
    bits = (values + 0.0).astype(values.dtype, copy=False).view(kind)  # minus zero becomes zero
    sign = kind.type(1 << (BYTE * kind.itemsize - 1))
    return np.where(bits & sign, ~bits, bits | sign)


def _borders(
    keys: UInt[np.ndarray, " n"],
    classes: Int[np.ndarray, " n"],
    quotas: Int[np.ndarray, " c"],
    total: Total,
) -> tuple[UInt[np.ndarray, " c"], Int[np.ndarray, " c"]]:
    """Returns the lowest key within each quota, and how many with just that key are within it.

    A radix select: byte after byte, from the highest, of the keys that agree so far.
    """
    border = np.zeros(len(quotas), keys.dtype)
    wanted = quotas.astype(np.int64)
    rows = np.arange(len(keys))
    for shift in range(BYTE * (keys.dtype.itemsize - 1), -1, -BYTE):
        part = (keys[rows] >> keys.dtype.type(shift)) & keys.dtype.type(BINS - 1)
        cells = classes[rows] * BINS + part.astype(np.intp)
        counts = np.bincount(cells, minlength=BINS * len(quotas)).astype(np.int64)
        counts = total(counts).reshape(len(quotas), BINS)
        at_least = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
        chosen = BINS - 1 - np.argmax((at_least >= wanted[:, None])[:, ::-1], axis=1)
        every = np.arange(len(quotas))
        wanted -= at_least[every, chosen] - counts[every, chosen]
        border |= chosen.astype(keys.dtype) << keys.dtype.type(shift)
        rows = rows[part == chosen.astype(keys.dtype)[classes[rows]]]
    return border, wanted


def _check(quotas: Int[np.ndarray, " c"], sizes: Int[np.ndarray, " c"]) -> None:
    if (short := np.flatnonzero(quotas > sizes)).size:
        first = short[0]
        raise ValueError(
            f"class {first} has {sizes[first]} rows over all processes, and its quota is "
            f"{quotas[first]}; give at most that"
        )
