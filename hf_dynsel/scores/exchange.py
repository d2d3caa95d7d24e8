"""What processes that hold a stretch of the rows each must tell one another to score them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped


def _own(array: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    return array


@dataclass(frozen=True)
class Exchange:
    """Joins arrays of all processes; by default of one that holds all rows.

    Args:
        process: this one, from zero.
        processes: how many there are.
        total: returns the sum of an array over all processes, which all give the same shape.
        joined: returns the arrays of all processes, one after another.
    """

    process: int = 0
    processes: int = 1
    total: Callable[[np.ndarray], np.ndarray] = _own
    joined: Callable[[np.ndarray], np.ndarray] = _own

    def highest(self, own: Int[np.ndarray, "..."]) -> int:
        """Returns the largest number in the arrays of all processes, none of them negative."""
        return int(self.joined(np.array([own.max(initial=0)], np.int64)).max())

    def stretch(self, rows: int) -> range:
        """Returns the rows of this process, of so many; each is in one stretch alone."""
        first, last = (rows * end // self.processes for end in (self.process, self.process + 1))
        return range(first, last)


ALONE = Exchange()
