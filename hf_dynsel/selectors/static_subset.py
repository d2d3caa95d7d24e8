"""What methods share that choose one subset before training: it is computed once."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from hf_dynsel.core import Pool, Selection, Selector, check_keep


@dataclass
class StaticSubset(Selector):
    """Trains every epoch on one subset, which is computed when it is first asked for.

    It is kept for as long as the pool and the hyperparameters stay the same. A run that resumes
    computes it again.

    Args:
        keep: fraction of the pool.
    """

    keep: float = 0.3

    def __post_init__(self) -> None:
        self._made: tuple[Pool, dict[str, Any], Int[np.ndarray, " k"] | None] | None = None

    def allocate(self) -> None:
        """Checks the hyperparameters, and that the pool has what the method reads."""
        check_keep(self.keep)
        self.check()
        if self._made is None or self._made[0] is not self.pool or self._made[1] != self.config():
            self._made = (self.pool, self.config(), None)

    def check(self) -> None:  # noqa: B027
        """Raises ValueError if a hyperparameter is out of range or the pool lacks something."""

    @abstractmethod
    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the `budget(keep)` rows of the subset: as the method ranks them, or sorted."""

    def select(self, epoch: int) -> Selection:
        """Returns the subset, the same at every epoch."""
        assert self._made is not None, "setup comes first"
        pool, config, chosen = self._made
        if chosen is None:
            chosen = self.choose()
            self._made = (pool, config, chosen)
        return Selection(chosen)

    def planned_size(self, epoch: int) -> int:
        """Returns the budget."""
        return self.budget(self.keep)
