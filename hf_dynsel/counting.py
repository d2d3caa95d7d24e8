"""Counts small whole numbers, such as classes, in memory that does not grow with their number."""

import numpy as np
from jaxtyping import Int

AT_A_TIME = 2**20  # NumPy counts in 64-bit integers, and makes a copy of all that are narrower


def occurrences(values: Int[np.ndarray, " n"]) -> Int[np.ndarray, " c"]:
    """Returns how often each number from 0 to the highest occurs."""
    total = np.zeros(int(values.max()) + 1, np.int64)
    for start in range(0, len(values), AT_A_TIME):
        total += np.bincount(values[start : start + AT_A_TIME], minlength=len(total))
    return total
