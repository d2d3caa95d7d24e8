from collections.abc import Callable

import numpy as np
import pytest

from hf_dynsel.core import Pool

# Every score column that some selector reads by default; a new selector adds its own.
COLUMNS = ("consistency", "diversity", "el2n", "representativeness")


@pytest.fixture
def make_pool() -> Callable[..., Pool]:
    """Builds a pool of random scores and three classes of unequal size."""

    def make(size: int, labels: bool = True) -> Pool:
        rng = np.random.default_rng(7)
        scores = {name: rng.random(size, dtype=np.float32) for name in COLUMNS}
        classes = np.minimum(np.arange(size) % 5, 2)
        return Pool(size, scores, classes if labels else None)

    return make
