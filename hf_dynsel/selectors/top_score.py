"""One fixed subset: the samples with the highest score."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from hf_dynsel.selectors.checks import check_choice
from hf_dynsel.selectors.ranking import top
from hf_dynsel.selectors.share import share
from hf_dynsel.selectors.static_subset import StaticSubset


@dataclass
class TopScore(StaticSubset):
    """Trains every epoch on the samples with the highest value in one score column.

    This turns any static score (EL2N, entropy, forgetting, ...) into a selector.

    Args:
        keep: fraction of the pool.
        score: name of the column; higher means more worth keeping.
        tie_break: `index` prefers the lower row; `random` draws once per seed, for scores with
            many ties in data sorted by class.
        skip: fraction of the pool, rounded down, that is left out at the top: the hardest samples,
            many of them labelled wrong. The subset is those that come next.

    Cost:
        O(N) time, once.
    """

    score: str = "el2n"
    tie_break: Literal["index", "random"] = "index"
    skip: float = 0.0

    def check(self) -> None:
        """Checks the hyperparameters and that the pool has the column."""
        check_choice("tie_break", self.tie_break, ("index", "random"))
        if not 0 <= self.skip <= 1 - self.keep + 1e-9:
            raise ValueError(
                f"skip must be in [0, 1 - keep], got {self.skip} with keep={self.keep}: what is "
                f"skipped cannot be kept; set skip to {1 - self.keep:.6g} or less"
            )
        self.pool.score(self.score)

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, sorted."""
        rng = self.rng(0) if self.tie_break == "random" else None
        values = self.pool.score(self.score)
        if skipped := share(self.skip, len(values)):
            values = values.copy()
            values[top(values, skipped, rng)] = -np.inf
        return top(values, self.budget(self.keep), rng)
