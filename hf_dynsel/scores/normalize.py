"""Puts a score on the scale from 0 to 1 by its ranks, which outliers do not move."""

from typing import Literal

import numpy as np
from jaxtyping import Float

Normalization = Literal["minmax", "rank"]


def rank(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns each value's rank scaled onto 0 to 1; equal values share their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts + 1) / 2
    return mean_ranks[places] / max(len(values) - 1, 1)
