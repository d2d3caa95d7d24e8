"""Finds a group of samples whose influences nearly cancel."""

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_dynsel.selectors.influence import Influence
from hf_dynsel.selectors.ranking import top

RELAXED_STEPS = 100
ROUNDS = 200
CANDIDATES = 64  # on either side of a swap
SMALLEST = 1e-9  # of the squared length: what counts as better


def cancelling(influence: Influence, count: int) -> Int[np.ndarray, " m"]:
    """Returns `count` rows, sorted, whose vectors have a sum that is as short as can be found.

    Two searches swap rows one for one while that makes the sum shorter. One starts with the
    shortest vectors, so that their sum is never shorter than what is returned. The other starts
    with the rows of largest share in a relaxed solution, where shares lie between zero and one.

    Args:
        influence: the vectors.
        count: how many rows, at least one and fewer than all.
    """
    squares = influence.squares()
    shortest = np.ones(len(squares), dtype=bool)
    shortest[top(squares, len(squares) - count)] = False  # lower rows stay where lengths tie
    relaxed = np.zeros_like(shortest)
    relaxed[top(_relaxed(influence, shortest), count)] = True
    found = [_swapped(influence, squares, start) for start in (shortest, relaxed)]
    return np.flatnonzero(min(found, key=lambda pair: pair[1])[0])


def _relaxed(influence: Influence, start: Bool[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns shares that bring the sum to its shortest, by Frank and Wolfe's method."""
    shares, count = start.astype(np.float64), int(start.sum())
    total = influence.total(shares)
    for _ in range(RELAXED_STEPS):
        corner = np.zeros_like(shares)
        corner[top(-influence.along(total), count)] = 1
        step = influence.total(corner) - total
        gain, square = -float(step @ total), float(step @ step)
        if gain <= SMALLEST * float(total @ total):
            break
        part = min(1.0, gain / square)
        shares += part * (corner - shares)
        total += part * step
    return shares


def _swapped(
    influence: Influence, squares: Float[np.ndarray, " n"], start: Bool[np.ndarray, " n"]
) -> tuple[Bool[np.ndarray, " n"], float]:
    """Returns the group after swaps that shorten its sum, and the squared length of the sum.

    In each round they are among the 64 rows of either side that would shorten it most alone.
    """
    inside = start.copy()
    total = influence.total(inside.astype(np.float64))
    few = min(CANDIDATES, int(inside.sum()), int((~inside).sum()))
    for _ in range(ROUNDS):
        moves = squares + np.where(inside, -2, 2) * influence.along(total)
        sides = [np.where(side, -moves, -np.inf) for side in (inside, ~inside)]
        rows = np.concatenate([top(side, few) for side in sides])
        vectors = np.where(inside[rows], -1, 1)[:, None] * influence.vectors(rows)
        moved = _swaps(vectors, total, few)
        if not moved.any():
            break
        total = total + vectors[moved].sum(axis=0)
        inside[rows[moved]] ^= True
    return inside, float(total @ total)


def _swaps(
    vectors: Float[np.ndarray, "r p"], total: Float[np.ndarray, " p"], few: int
) -> Bool[np.ndarray, " r"]:
    """Marks the rows that change sides: the best swap of two, again and again.

    Each row moves once at most, and swaps go on where they make the sum longer, for the next one
    may make up for it; those after the shortest sum are taken back (Kernighan and Lin).

    Args:
        vectors: what is added to the sum when a row changes sides: of `few` rows that are inside
            now, and then of as many outside.
        total: the sum.
        few: rows of each side.
    """
    products = vectors @ vectors.T
    squares, along = products.diagonal(), 2 * vectors @ total
    swaps, changes = np.empty((few, 2), dtype=np.int64), np.empty(few)
    free = [np.arange(few), np.arange(few, 2 * few)]
    for swap in range(few):
        alone = squares + along
        out, into = free
        both = alone[out, None] + alone[into] + 2 * products[np.ix_(out, into)]
        i, j = divmod(int(both.argmin()), len(into))
        swaps[swap], changes[swap] = (out[i], into[j]), both[i, j]
        along += 2 * products[:, swaps[swap]].sum(axis=1)
        free = [np.delete(out, i), np.delete(into, j)]
    sums = changes.cumsum()
    best = int(sums.argmin())
    moved = np.zeros(len(vectors), dtype=bool)
    if sums[best] < -SMALLEST * (float(total @ total) + float(squares.mean())):
        moved[swaps[: best + 1]] = True
    return moved
