"""Every sample, every epoch: what a saving is measured against."""

from dataclasses import dataclass

import numpy as np

from hf_dynsel.core import Selection, Selector


@dataclass
class FullData(Selector):
    """Trains on the whole pool each epoch."""

    def select(self, epoch: int) -> Selection:
        """Returns all rows."""
        return Selection(np.arange(self.pool.size))

    def planned_size(self, epoch: int) -> int:
        """Returns the size of the pool."""
        return self.pool.size
