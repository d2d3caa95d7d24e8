"""Random subsets that prefer high losses, within each class and among the classes."""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_dynsel.core import Feedback, Selection, Selector, check_keep
from hf_dynsel.selectors.checks import check_choice, check_positive
from hf_dynsel.selectors.loss_quota import loss_quota
from hf_dynsel.selectors.ranking import ClassGroups, top_per_class


@dataclass
class RCAP(Selector):
    """Draws each class's samples with odds `exp(loss / beta)`, more of them where its loss is high.

    Losses are those a sample had when last trained on, clipped to [0, ln C] for C classes; one
    never seen counts as ln C. A class gets a share of the budget in proportion to the root of its
    size times its mean loss, at most all its samples; the budget is always met. So the first epoch
    has the rarer classes in a larger share than the pool, and draws uniformly within each. A
    class whose losses are all zero gets samples only when those of others are used up. With a
    single class ln C is zero, and every epoch is a uniform draw.

    Args:
        keep: fraction of the pool in each epoch.
        beta: temperature of the odds, in units of the loss; larger is flatter.
        signal: the loss of a class. `loss` is the mean over all its samples; `released` is what
            the released code takes, the share of its odds that was in the last epoch.

    Cost:
        O(N) time per epoch, 5 bytes of state per sample.

    Signal:
        The loss, per sample trained on; and class labels.

    Reference:
        Hassan et al., "RCAP: Robust, Class-Aware, Probabilistic Dynamic Dataset Pruning", UAI
        2025, arXiv 2606.11761. Only its abstract and the released code could be read: it says
        class-wise aggregated loss, which the code does not compute; the mean is our choice.
        Departures from the code: where classes are used up it splits the whole budget anew over
        the others instead of what is left, and it rounds all quotas up, so that sizes exceed the
        budget; ours is exact, rounded by largest remainder. With `released`, a class that was
        left out of the last epoch counts as at the start. Samples without a loss that is a
        number count as never seen.
    """

    keep: float = 0.3
    beta: float = 2.0
    signal: Literal["loss", "released"] = "loss"
    losses: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    trained: Bool[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    signals = frozenset({"loss"})

    def allocate(self) -> None:
        """Checks the hyperparameters, groups the classes and marks all samples as never seen."""
        check_keep(self.keep)
        check_choice("signal", self.signal, ("loss", "released"))
        check_positive("beta", self.beta, "the temperature of the odds; the example has 2")
        if self.pool.labels is None:
            raise ValueError(
                "RCAP splits its budget over classes, and the pool has no labels; give the pool "
                "labels, or take InfoBatch, which needs none"
            )
        self._groups = ClassGroups.of(self.pool.labels)
        self._highest = math.log(len(self._groups.sizes))
        self.losses = np.full(self.pool.size, self._highest, dtype=np.float32)
        self.trained = np.ones(self.pool.size, dtype=bool)

    def select(self, epoch: int) -> Selection:
        """Returns the rows drawn from each class, sorted."""
        # The largest of these keys are a weighted draw without replacement (Gumbel top-k).
        keys = self.losses / self.beta + self.rng(epoch).gumbel(size=self.pool.size)
        return Selection(top_per_class(keys, self._groups, self.quotas()))

    def planned_size(self, epoch: int) -> int:
        """Returns the budget."""
        return self.budget(self.keep)

    def observe(self, feedback: Feedback) -> None:
        """Stores the clipped losses; NaN counts as never seen."""
        losses = np.nan_to_num(feedback.signals["loss"], nan=self._highest)
        self.losses[feedback.indices] = losses.clip(0, self._highest)
        self.trained[...] = False
        self.trained[feedback.indices] = True

    def quotas(self) -> Int[np.ndarray, " c"]:
        """Returns how many samples of each class the next epoch has."""
        sizes, labels = self._groups.sizes, self.pool.labels
        assert labels is not None, "allocate checks it"
        if self.signal == "loss":
            losses = np.bincount(labels, self.losses) / sizes
        else:
            highest = np.zeros(len(sizes), dtype=np.float32)
            np.maximum.at(highest, labels, self.losses)
            odds = np.exp((self.losses - highest[labels]) / self.beta)
            losses = np.bincount(labels, odds * self.trained) / np.bincount(labels, odds)
            losses[losses == 0] = 1.0
        return loss_quota(sizes, losses, self.budget(self.keep))
