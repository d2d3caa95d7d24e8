"""The samples neither near to nor far from the centre of their class."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hf_dynsel.selectors.static_subset import StaticSubset


@dataclass
class Moderate(StaticSubset):
    """Trains every epoch on the samples in the middle of the ranking by one score column.

    The ranking is over the whole pool, whatever the class. It leaves out equally many at both
    ends, or one more of the highest; equal scores are ranked by row.

    Args:
        keep: fraction of the pool.
        score: name of the column. Only its order counts, and hardly its direction.

    Cost:
        One sort of N scores, once.

    Reference:
        Xia et al., "Moderate Coreset: A Universal Method of Data Selection for Real-world
        Data-efficient Deep Learning", ICLR 2023, with `hf_dynsel.scores.CenterDistance` for the
        score. Departure: the released code rounds both ends of the window, `N * (1 - keep) / 2`
        and `N * (1 + keep) / 2`, so that its size can be off by one; here it is the budget.
    """

    score: str = "center_distance"

    def check(self) -> None:
        """Checks that the pool has the column."""
        self.pool.score(self.score)

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, sorted."""
        ranked = np.argsort(self.pool.score(self.score), kind="stable")
        budget = self.budget(self.keep)
        low = (len(ranked) - budget) // 2
        return np.sort(ranked[low : low + budget])
