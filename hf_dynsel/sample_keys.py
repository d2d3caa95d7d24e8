"""A random number for each sample that depends on the seed, the epoch and its row alone."""

from functools import lru_cache

import numpy as np
from jaxtyping import Int, UInt64

from hf_dynsel.selectors.counter_random import splitmix64

Keys = UInt64[np.ndarray, " m"]
AUGMENTED, PLACED = 3, 4  # streams of a seed and an epoch; selectors use those from 0 to 2


def sample_keys(seed: int, epoch: int, stream: int, rows: Int[np.ndarray, " m"]) -> Keys:
    """Returns the keys of samples, the same in any batch, worker and process.

    Args:
        seed: of the run.
        epoch: that is trained.
        stream: keeps apart what the keys are for.
        rows: of the training set.
    """
    return splitmix64(_stream_key(seed, epoch, stream), rows)


@lru_cache(maxsize=8)
def _stream_key(seed: int, epoch: int, stream: int) -> int:
    return int(np.random.default_rng((seed, epoch, stream)).integers(2**64, dtype=np.uint64))
