"""Puts a score on the scale from 0 to 1, so that scores can be mixed."""

from typing import Literal

import numpy as np
from jaxtyping import Float

Normalization = Literal["minmax", "rank"]


def minmax(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns the values moved and scaled onto 0 to 1; constant values become zeros."""
    span = values.max() - values.min()
    return np.zeros_like(values) if span == 0 else (values - values.min()) / span


def rank(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns each value's rank scaled onto 0 to 1; equal values share their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts + 1) / 2
    return mean_ranks[places] / max(len(values) - 1, 1)
