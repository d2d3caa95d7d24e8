"""One random subset for the whole run."""

from dataclasses import dataclass

import numpy as np

from hf_dynsel.core import Selection, Selector, check_keep


@dataclass
class StaticRandom(Selector):
    """Trains every epoch on the same uniformly drawn subset."""

    keep: float = 0.3

    def allocate(self) -> None:
        """Checks `keep`."""
        check_keep(self.keep)

    def select(self, epoch: int) -> Selection:
        """Returns the subset, the same at every epoch."""
        drawn = self.rng(0).choice(
            self.pool.size, self.budget(self.keep), replace=False, shuffle=False
        )
        return Selection(np.sort(drawn))

    def planned_size(self, epoch: int) -> int:
        """Returns the budget."""
        return self.budget(self.keep)
