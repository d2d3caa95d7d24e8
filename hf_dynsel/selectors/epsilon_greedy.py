"""The samples of largest average loss, and a few drawn at random."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.selectors.checks import check_fraction
from hf_dynsel.selectors.loss_average import LossAverage
from hf_dynsel.selectors.ranking import top
from hf_dynsel.selectors.share import share


@dataclass
class EpsilonGreedy(LossAverage):
    """Trains on the samples of largest average loss, and on a few others drawn at random.

    The first epoch trains on the whole pool. A sample that is not selected keeps the average of
    the losses it had in training, however old: it comes back when those of others have fallen
    below it, or by chance.

    Args:
        keep: fraction of the pool in each epoch but the first.
        alpha: weight of the newest loss in the average, which starts from zero.
        every: epochs from one ranking to the next, with the same subset in between; T_p in the
            paper.
        epsilon: fraction of the budget, rounded down, that is drawn uniformly from the samples
            that the ranking leaves out.

    Cost:
        O(N) time per epoch, and 16 bytes of state per sample. No forward pass beyond training.

    Signal:
        The loss, per sample trained on.

    Reference:
        Raju et al., "Accelerating Deep Learning with Dynamic Data Pruning", arXiv 2111.12621,
        2021. Only a third-party implementation could be read; its rule for the average is kept.
        Departures: it scores the whole pool by a forward pass before each ranking, and also
        overwrites averages with raw losses in training; here training alone moves them. The
        defaults, the full first epoch and the ranking of samples never seen are ours. Equal
        averages go to the lower row.
    """

    epsilon: float = 0.1

    def check(self) -> None:
        """Checks `epsilon`."""
        check_fraction("epsilon", self.epsilon, "the fraction of the budget drawn at random")

    def learn(self, rows: Int[np.ndarray, " b"], gaps: Float[np.ndarray, " b"]) -> None:
        """Does nothing: the average is all there is to know."""

    def value(self) -> Float[np.ndarray, " n"]:
        """Returns the average losses."""
        return self.mean

    def choose(self, rng: np.random.Generator) -> Int[np.ndarray, " k"]:
        """Returns the rows of largest value, and random ones of the rest."""
        budget = self.budget(self.keep)
        drawn = share(self.epsilon, budget)
        chosen = np.zeros(self.pool.size, dtype=bool)
        chosen[top(self.ranked, budget - drawn)] = True
        chosen[rng.choice(np.flatnonzero(~chosen), drawn, replace=False, shuffle=False)] = True
        return np.flatnonzero(chosen)
