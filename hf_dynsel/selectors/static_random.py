"""One random subset for the whole run."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hf_dynsel.selectors.static_subset import StaticSubset


@dataclass
class StaticRandom(StaticSubset):
    """Trains every epoch on the same uniformly drawn subset.

    Args:
        keep: fraction of the pool.

    Cost:
        O(N) time, once.
    """

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, sorted."""
        size, budget = self.pool.size, self.budget(self.keep)
        return np.sort(self.rng(0).choice(size, budget, replace=False, shuffle=False))
