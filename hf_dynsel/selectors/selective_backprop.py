"""Trains in each batch on the samples whose fresh loss ranks high, and skips the others."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from hf_dynsel.core import Feedback, Selection, Selector
from hf_dynsel.selectors.checks import check_not_negative
from hf_dynsel.selectors.counter_random import uniform


@dataclass
class SelectiveBackprop(Selector):
    """Trains a sample with probability `rank ** beta`, where the rank is that of its fresh loss.

    All samples of an epoch go forward. The rank, from 0 to 1, is the share of the pool whose
    loss, when last seen in an earlier epoch, was smaller; equal losses count by half. Samples
    to train weigh `1 + beta` in the loss, the others zero. If losses stay as they are, one in
    `1 + beta` is trained and the mean weight is one; while they fall, both are less. The first
    epoch trains on everything.

    Whether a sample is trained depends on the seed, the epoch, its row and its loss, but not on
    the batch, the step or the process it comes in.

    Args:
        beta: how strongly large losses are preferred. One trains about a half of the samples,
            two a third; zero trains all.

    Reference:
        Jiang et al., "Accelerating Deep Learning by Focusing on the Biggest Losers", arXiv
        1910.00762, 2019; equal losses and the first epoch are treated as in the released code.
        Departures: there, the rank is among the losses just before (1024 in the code), which
        depends on the order of the batches. And samples to train are gathered until they fill a
        batch; here batches shrink, and the weight makes the sum of the weighted losses, over
        the size of the whole batch, about the mean over those trained.
    """

    beta: float = 1.0
    losses: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    ranked: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    signals = frozenset({"loss"})

    def allocate(self) -> None:
        """Checks `beta` and marks all samples as never seen."""
        check_not_negative("beta", self.beta, "the power of the rank; 1 trains about a half")
        self.losses = np.full(self.pool.size, np.inf, dtype=np.float32)
        self.ranked = self.losses.copy()

    def select(self, epoch: int) -> Selection:
        """Returns all rows: which of them are trained is decided batch by batch."""
        return Selection(np.arange(self.pool.size))

    def planned_size(self, epoch: int) -> int:
        """Returns the size of the pool."""
        return self.pool.size

    def weigh(self, feedback: Feedback) -> Float[np.ndarray, " b"] | None:
        """Returns `1 + beta` for samples to train and zero for the others; None trains all."""
        # Always float32: to look up a float64, NumPy would convert the whole array, per batch.
        seen = self.ranked[: np.searchsorted(self.ranked, np.float32(np.inf))]
        if len(seen) == 0:
            return None
        loss = feedback.signals["loss"].astype(np.float32)
        smaller, not_larger = (np.searchsorted(seen, loss, side) for side in ("left", "right"))
        rank = (smaller + not_larger) / (2 * len(seen))
        key = int(self.rng(feedback.epoch).integers(2**64, dtype=np.uint64))
        return np.where(uniform(key, feedback.indices) < rank**self.beta, 1.0 + self.beta, 0.0)

    def observe(self, feedback: Feedback) -> None:
        """Stores the losses of all samples that went forward; NaN counts as never seen."""
        self.losses[feedback.indices] = feedback.signals["loss"]
        self.ranked[...] = np.sort(self.losses)  # never seen and NaN come last
