"""Rows relative to their mean, at a scale at which float32 holds their squares."""

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Num

BLOCK_ENTRIES = 2**20  # of 8 bytes: 8 MiB
LARGEST = 10  # power of two


def scale(features: Num[np.ndarray, "n d"]) -> float:
    """Returns the largest power of two, up to one, that leaves no entry beyond 1,024.

    A power of two rounds nothing, and the order of distances stays. Without it, entries beyond
    about 1e19 have squares that are infinite in float32.

    Args:
        features: finite, one row per sample.
    """
    largest = max(float(features.max()), -float(features.min()))
    return 2.0 ** min(0, LARGEST - math.frexp(largest)[1])


def centred(
    features: Num[np.ndarray, "n d"],
) -> Iterator[tuple[slice, Float[np.ndarray, "b d"]]]:
    """Yields which rows come next, and these less the mean of all, scaled, in float64.

    Args:
        features: finite, one row per sample.
    """
    factor = np.float64(scale(features))  # not a Python number: half precision would overflow
    step = max(1, BLOCK_ENTRIES // features.shape[1])
    blocks = [slice(first, first + step) for first in range(0, len(features), step)]
    total = np.zeros(features.shape[1])
    for rows in blocks:
        total += (features[rows] * factor).sum(axis=0)
    for rows in blocks:
        yield rows, features[rows] * factor - total / len(features)
