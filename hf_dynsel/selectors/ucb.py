"""The samples whose loss is large on average, or moved much."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.selectors.checks import check_not_negative
from hf_dynsel.selectors.loss_average import LossAverage
from hf_dynsel.selectors.ranking import top


@dataclass
class UCB(LossAverage):
    """Trains on the samples with the largest sum of average loss and `c` times its variance.

    The first epoch trains on the whole pool. A sample that is not selected keeps both estimates,
    however old: it comes back when those of others have fallen below them.

    Args:
        keep: fraction of the pool in each epoch but the first.
        alpha: weight of the newest loss in the average and of its squared distance from the
            average in the variance. Both start from zero.
        every: epochs from one ranking to the next, with the same subset in between; T_p in the
            paper.
        c: weight of the variance, per unit of loss.

    Cost:
        O(N) time per epoch, and 24 bytes of state per sample. No forward pass beyond training.

    Signal:
        The loss, per sample trained on.

    Reference:
        Raju et al., "Accelerating Deep Learning with Dynamic Data Pruning", arXiv 2111.12621,
        2021. Only a third-party implementation could be read; its variance, which is not the
        deviation and takes the distance from the average before it moves, is kept. Departures:
        it scores the whole pool by a forward pass before each ranking, and also overwrites
        averages with raw losses in training; here training alone moves them. The defaults, the
        full first epoch and the ranking of samples never seen are ours. Equal sums go to the
        lower row.
    """

    c: float = 1.0
    variance: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)

    def check(self) -> None:
        """Checks `c` and sets all variances to zero."""
        check_not_negative("c", self.c, "the weight of the variance; 0 ranks by the average alone")
        self.variance = np.zeros(self.pool.size)

    def learn(self, rows: Int[np.ndarray, " b"], gaps: Float[np.ndarray, " b"]) -> None:
        """Moves the variances towards the squared gaps."""
        self.variance[rows] += self.alpha * (gaps**2 - self.variance[rows])

    def value(self) -> Float[np.ndarray, " n"]:
        """Returns the sums."""
        sums: Float[np.ndarray, " n"] = self.mean + self.c * self.variance
        return sums

    def choose(self, rng: np.random.Generator) -> Int[np.ndarray, " k"]:
        """Returns the rows of largest sum; nothing is left to chance."""
        return top(self.ranked, self.budget(self.keep))
