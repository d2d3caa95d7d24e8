"""What methods share that rank samples by a moving average of the losses they had in training."""

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.core import Feedback, Selection, Selector, check_keep
from hf_dynsel.selectors.checks import check_count


@dataclass
class LossAverage(Selector):
    """Keeps a moving average of each sample's loss, and the values of the last ranking.

    The first epoch trains on the whole pool. The average starts from zero and moves by the share
    `alpha` towards each loss that training reports; one that is no finite number is left out. A
    sample that is not selected keeps its average, however old. One that was never seen, because
    batches were dropped or its loss was no number, comes first in the ranking.

    Args:
        keep: fraction of the pool in each epoch but the first.
        alpha: weight of the newest loss in the average.
        every: epochs from one ranking to the next, with the same subset in between; T_p in the
            paper.
    """

    keep: float = 0.3
    alpha: float = 0.8
    every: int = 1
    mean: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    ranked: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    signals = frozenset({"loss"})

    def allocate(self) -> None:
        """Checks the hyperparameters and marks all samples as never seen."""
        check_keep(self.keep)
        check_count("every", self.every, 1, "the number of epochs from one ranking to the next")
        if not 0 < self.alpha <= 1:
            raise ValueError(
                f"alpha must be in (0, 1], got {self.alpha}: it is the weight of the newest loss "
                "in the average, and one forgets all before it"
            )
        self.mean = np.full(self.pool.size, np.inf)
        self.ranked = self.mean.copy()
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Checks the method's own hyperparameters, and makes its state."""

    @abstractmethod
    def learn(self, rows: Int[np.ndarray, " b"], gaps: Float[np.ndarray, " b"]) -> None:
        """Folds how far losses are from their averages, before these move, into the state."""

    @abstractmethod
    def value(self) -> Float[np.ndarray, " n"]:
        """Returns what a new ranking is by; infinity for samples never seen."""

    @abstractmethod
    def choose(self, rng: np.random.Generator) -> Int[np.ndarray, " k"]:
        """Returns the `budget(keep)` rows of a ranking, sorted."""

    def select(self, epoch: int) -> Selection:
        """Returns the subset of the last ranking; all rows in the first epoch."""
        if epoch == 0:
            return Selection(np.arange(self.pool.size))
        ranking = epoch - (epoch - 1) % self.every  # the first epoch that follows it
        return Selection(self.choose(self.rng(ranking)))

    def planned_size(self, epoch: int) -> int:
        """Returns the budget, or the size of the pool in the first epoch."""
        return self.budget(self.keep) if epoch else self.pool.size

    def observe(self, feedback: Feedback) -> None:
        """Moves the averages of the samples trained on, and ranks anew where it is due."""
        losses = feedback.signals["loss"].astype(np.float64)
        known = np.isfinite(losses)
        rows = feedback.indices[known]
        before = np.where(np.isinf(self.mean[rows]), 0.0, self.mean[rows])
        gaps = losses[known] - before
        self.mean[rows] = before + self.alpha * gaps
        self.learn(rows, gaps)
        if feedback.epoch % self.every == 0:
            self.ranked[...] = self.value()
