"""A fresh random subset each epoch."""

from dataclasses import dataclass

import numpy as np

from hf_dynsel.core import Selection, Selector, check_keep
from hf_dynsel.selectors.checks import check_count, check_fraction
from hf_dynsel.selectors.schedules import selecting_epochs


@dataclass
class DynamicRandom(Selector):
    """Trains each epoch on a new uniformly drawn subset, whatever earlier epochs used.

    Within an epoch no sample comes twice. Whole epochs before and after, which are off by default,
    give it the same ones as a method that it is compared with.

    Args:
        keep: fraction of the pool in each epoch that selects.
        warmup_epochs: that train on the whole pool first.
        refine: fraction of the run, rounded up to epochs, that trains on the whole pool last.

    Cost:
        O(N) time per epoch, no state.

    Reference:
        Okanovic et al., "Repeated Random Sampling for Minimizing the Time-to-Accuracy of
        Learning", ICLR 2024: RS2 with replacement. Departures: the budget is rounded down here,
        as for every selector; their code rounds to the nearest. The whole epochs are ours.
    """

    keep: float = 0.3
    warmup_epochs: int = 0
    refine: float = 0.0

    def allocate(self) -> None:
        """Checks the hyperparameters."""
        check_keep(self.keep)
        check_count("warmup_epochs", self.warmup_epochs, 0, "the number of whole epochs first")
        check_fraction("refine", self.refine, "the fraction of whole epochs at the end")

    def select(self, epoch: int) -> Selection:
        """Returns the subset of `epoch`, or all rows."""
        size, budget = self.pool.size, self.planned_size(epoch)
        if budget == size:
            return Selection(np.arange(size))
        drawn = self.rng(epoch).choice(size, budget, replace=False, shuffle=False)
        return Selection(np.sort(drawn))

    def planned_size(self, epoch: int) -> int:
        """Returns the budget, or the size of the pool in a whole epoch."""
        selecting = selecting_epochs(self.num_epochs, self.warmup_epochs, self.refine)
        return self.budget(self.keep) if epoch in selecting else self.pool.size
