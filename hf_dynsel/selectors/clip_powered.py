"""The samples that agree with their label, and a little for those that lie apart."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scaling import minmax
from hf_dynsel.selectors.checks import check_not_negative
from hf_dynsel.selectors.ranking import top
from hf_dynsel.selectors.static_subset import StaticSubset


@dataclass
class ClipPowered(StaticSubset):
    """Trains every epoch on the samples with the highest sum of consistency and spread.

    Both are scaled to [0, 1] over the pool and then divided by their mean. A score that is the
    same for all samples counts for nothing.

    Args:
        keep: fraction of the pool.
        consistency: score column, how well image and label text agree; SAS in the paper.
        diversity: score column, how far a sample is from others of its class; SDS in the paper.
        weight: of the diversity.

    Cost:
        O(N) time, once.

    Reference:
        Yang et al., "A CLIP-Powered Framework for Robust and Generalizable Data Selection", ICLR
        2025, arXiv 2410.11215, with `hf_dynsel.scores.Consistency` and `ClassSpread` for the
        scores. Departures: the released code finds the subset by gradient descent on one number
        per sample, all equal at the start. They stay in the order of this sum, so that what the
        descent finds is the largest sums, as many as it has when it stops, within 0.05 % of the
        pool from the budget; here it is the budget. The code loads one adapter's weights over
        the other's before it scores.
    """

    consistency: str = "consistency"
    diversity: str = "class_spread"
    weight: float = 0.1

    def check(self) -> None:
        """Checks the weight and that the pool has the columns."""
        check_not_negative("weight", self.weight, "the weight of the diversity; the paper has 0.1")
        self.pool.score(self.consistency)
        self.pool.score(self.diversity)

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, sorted."""
        both = (self.pool.score(name) for name in (self.consistency, self.diversity))
        agreement, spread = (over_mean(column) for column in both)
        return top(agreement + self.weight * spread, self.budget(self.keep))


def over_mean(column: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns a score scaled to [0, 1] and divided by its mean; zeros where all are equal."""
    scaled = minmax(column.astype(np.float64))
    return scaled / (scaled.mean() or 1.0)
