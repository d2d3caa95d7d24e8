"""Min-max scaling, so that scores of different units can be mixed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float


def minmax(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns the values moved and scaled to [0, 1], in their own precision.

    Values that are all equal become zeros: a score that tells no samples apart adds nothing. Those
    that span [0, 1] are returned as they are, without a copy.
    """
    return MinMax.of(values)[:]


@dataclass(frozen=True)
class MinMax:
    """Values that are moved and scaled to [0, 1] as they are read, and not copied before.

    Args:
        values: to scale; they may lie in a file that is mapped into memory.
        low: the lowest of them.
        span: the highest less the lowest.
    """

    values: Float[np.ndarray, " n"]
    low: Any
    span: Any

    @classmethod
    def of(cls, values: Float[np.ndarray, " n"]) -> "MinMax":
        """Returns values with their own lowest and highest as the ends."""
        return cls(values, low := values.min(), values.max() - low)

    def __getitem__(self, rows: slice) -> Float[np.ndarray, " m"]:
        """Returns some of the values, scaled."""
        part = self.values[rows]
        if self.span == 0:
            return np.zeros_like(part)
        if self.low == 0 and self.span == 1:
            return part
        scaled: Float[np.ndarray, " m"] = (part - self.low) / self.span
        return scaled
