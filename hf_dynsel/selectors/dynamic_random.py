"""A fresh random subset each epoch."""

from dataclasses import dataclass

import numpy as np

from hf_dynsel.core import Selection, Selector, check_keep


@dataclass
class DynamicRandom(Selector):
    """Trains each epoch on a new uniformly drawn subset, whatever earlier epochs used.

    Within an epoch no sample comes twice.

    Reference:
        Okanovic et al., "Repeated Random Sampling for Minimizing the Time-to-Accuracy of
        Learning", ICLR 2024: RS2 with replacement. The budget is rounded down here, as for
        every selector; their code rounds to the nearest.
    """

    keep: float = 0.3

    def allocate(self) -> None:
        """Checks `keep`."""
        check_keep(self.keep)

    def select(self, epoch: int) -> Selection:
        """Returns the subset of `epoch`."""
        drawn = self.rng(epoch).choice(
            self.pool.size, self.budget(self.keep), replace=False, shuffle=False
        )
        return Selection(np.sort(drawn))

    def planned_size(self, epoch: int) -> int:
        """Returns the budget."""
        return self.budget(self.keep)
