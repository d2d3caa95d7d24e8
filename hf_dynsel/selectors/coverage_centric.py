"""A random subset that covers all degrees of difficulty but the highest."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.selectors.checks import check_count, check_fraction
from hf_dynsel.selectors.ranking import ClassGroups, top, top_per_class
from hf_dynsel.selectors.share import share
from hf_dynsel.selectors.static_subset import StaticSubset


@dataclass
class CoverageCentric(StaticSubset):
    """Leaves out the hardest samples, and draws the others evenly over the range of their scores.

    The range is cut into strata of equal width. The strata get equal parts of the budget, small
    ones at most all their samples, with what they cannot give shared among the larger ones; in
    each stratum the draw is uniform. Scores that are all equal make one stratum.

    Args:
        keep: fraction of the pool.
        score: name of the column; higher means harder.
        beta: fraction of the pool, rounded down, that is left out as the hardest and perhaps
            labelled wrong; never so many that fewer than the budget are left.
        strata: number of strata; k in the paper.

    Cost:
        O(N) time and one sort of the strata, once.

    Reference:
        Zheng et al., "Coverage-centric Coreset Selection for High Pruning Rates", ICLR 2023,
        arXiv 2210.15809, algorithm 1, with the area under the margin as its score; ours is high
        for hard samples. The paper searches for `beta` by dataset and budget, up to 0.3 at a
        `keep` of 0.1; the default is ours. Departures: the released code widens the last stratum
        by a factor of its highest score, which loses that sample where the score is not
        positive; here the highest score is in the last stratum.
    """

    score: str = "aum"
    beta: float = 0.1
    strata: int = 50

    def check(self) -> None:
        """Checks the hyperparameters and that the pool has the column."""
        check_fraction("beta", self.beta, "the fraction left out as the hardest")
        check_count("strata", self.strata, 1, "the number of strata; the paper has 50")
        self.pool.score(self.score)

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, sorted."""
        scores, budget = self.pool.score(self.score), self.budget(self.keep)
        hardest = min(share(self.beta, len(scores)), len(scores) - budget)
        stays = np.ones(len(scores), dtype=bool)
        stays[top(scores, hardest)] = False
        left = np.flatnonzero(stays)
        groups = ClassGroups.of(stratum(scores[left], self.strata))
        keys = self.rng(0).random(len(left))
        chosen = top_per_class(keys, groups, smallest_first(groups.sizes, budget))
        return np.asarray(left[chosen])


def stratum(scores: Float[np.ndarray, " n"], strata: int) -> Int[np.ndarray, " n"]:
    """Returns the number of each score's stratum, counting those that have samples."""
    low, high = float(scores.min()), float(scores.max())
    width = high - low or 1.0
    cells = np.minimum((scores.astype(np.float64) - low) * strata // width, strata - 1)
    numbers: Int[np.ndarray, " n"] = np.unique(cells, return_inverse=True)[1]
    return numbers


def smallest_first(sizes: Int[np.ndarray, " c"], budget: int) -> Int[np.ndarray, " c"]:
    """Returns equal parts of a budget, in rising order of size; what is over goes to the larger."""
    quotas = np.zeros_like(sizes)
    for done, part in enumerate(np.argsort(sizes, kind="stable")):
        fair = (budget - int(quotas.sum())) // (len(sizes) - done)
        quotas[part] = min(int(sizes[part]), fair)
    return quotas
