"""Groups numbers of similar size, by k-means on the line."""

import numpy as np
from jaxtyping import Float, Int

ROUNDS = 300


def loss_groups(values: Float[np.ndarray, " n"], groups: int) -> Int[np.ndarray, " n"]:
    """Returns the group of each value, from 0 for the smallest.

    Among sorted values a group is a stretch, so that one sort is most of the work, and nothing is
    random. There are fewer groups where there are fewer distinct values; equal ones are in one
    group, and infinity is in the last.

    Args:
        values: numbers, or plus infinity.
        groups: how many, at most.

    Reference:
        Su and Dy, "In search of deterministic methods for initializing K-means and Gaussian
        mixture clustering", 2007, for the start: the group of largest scatter is split at its
        mean until there are enough. Lloyd's algorithm goes on from there.
    """
    order = np.argsort(values, kind="stable")
    known = int(np.isfinite(values).sum())
    found = np.zeros(len(values), dtype=np.int64)
    if known:
        line = values[order[:known]].astype(np.float64)
        sizes = np.diff(_moved(line, _started(line, groups)))
        found[order] = len(sizes) - 1
        found[order[:known]] = np.repeat(np.arange(len(sizes)), sizes)
    return found


def _started(line: Float[np.ndarray, " n"], groups: int) -> Int[np.ndarray, " edges"]:
    """Returns where groups of sorted values begin, and the end of the last."""
    sums, squares = _prefix(line), _prefix(line**2)
    edges = np.array([0, len(line)])
    for _ in range(groups - 1):
        sizes, totals = np.diff(edges), np.diff(sums[edges])
        widest = np.argmax(np.diff(squares[edges]) - totals**2 / sizes)
        middle = np.searchsorted(line, totals[widest] / sizes[widest], side="right")
        edges = np.unique(np.append(edges, middle))
    return edges


def _moved(
    line: Float[np.ndarray, " n"], edges: Int[np.ndarray, " edges"]
) -> Int[np.ndarray, " moved"]:
    """Returns the edges when each value is with the nearest mean; empty groups are left out."""
    sums = _prefix(line)
    for _ in range(ROUNDS):
        means = np.diff(sums[edges]) / np.diff(edges)
        between = np.searchsorted(line, (means[1:] + means[:-1]) / 2, side="right")
        moved = np.unique(np.concatenate([[0], between, [len(line)]]))
        if np.array_equal(moved, edges):
            break
        edges = moved
    return edges


def _prefix(line: Float[np.ndarray, " n"]) -> Float[np.ndarray, " m"]:
    return np.concatenate([[0.0], np.cumsum(line)])
