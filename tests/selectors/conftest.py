from collections.abc import Callable

import numpy as np
import pytest

from distributed_cases import SCORES
from hf_dynsel.core import Pool


def vectors(size: int) -> dict[str, np.ndarray]:
    """Returns every column of several numbers per sample that some selector reads."""
    rng = np.random.default_rng(8)
    return {
        "features": rng.normal(size=(size, 4)).astype(np.float32),
        "sae_indices": rng.integers(0, 20, (size, 3)),
        "sae_values": rng.random((size, 3), dtype=np.float32),
        "proxy_features": rng.normal(size=(size, 4)).astype(np.float32),
        "proxy_error": rng.normal(size=(size, 3)).astype(np.float32),
    }


@pytest.fixture
def make_pool() -> Callable[..., Pool]:
    """Builds a pool of random scores and three classes of unequal size."""

    def make(size: int, labels: bool = True) -> Pool:
        rng = np.random.default_rng(7)
        scores = {name: rng.random(size, dtype=np.float32) for name in SCORES}
        classes = np.minimum(np.arange(size) % 5, 2)
        return Pool(size, scores, classes if labels else None, vectors(size))

    return make
