"""Projects onto the shares from zero to one that add up to a budget."""

import numpy as np
from jaxtyping import Float

MOST_STEPS = 100
EXACT = 1e-6  # samples, per sample of the pool


def project(
    values: Float[np.ndarray, " n"], total: float, guess: float = 0.0
) -> tuple[Float[np.ndarray, " n"], float]:
    """Returns the nearest point with all numbers in [0, 1] and this sum, and how far it is shifted.

    It is the values less one shift, clipped, and the shift is the root of a falling function,
    found by Newton's steps within a bracket.

    Args:
        values: any.
        total: from 0 to n.
        guess: where to look for the shift first.
    """
    low, high = float(values.min()) - 1, float(values.max())
    shift = min(max(guess, low), high)
    for _ in range(MOST_STEPS):
        moved = values - shift
        clipped = np.clip(moved, 0, 1)
        excess = float(clipped.sum(dtype=np.float64)) - total
        if abs(excess) <= EXACT * total:
            break
        low, high = (shift, high) if excess > 0 else (low, shift)
        inside = np.count_nonzero(clipped == moved)
        shift += excess / inside if inside else 0.0
        if not low < shift < high:
            shift = (low + high) / 2
    return clipped, shift
