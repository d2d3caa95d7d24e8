"""Reads which units each sample activates, out of the two code columns."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.base import Columns

CODE_COLUMNS = ("sae_indices", "sae_values")


@dataclass(frozen=True)
class ActiveUnits:
    """The active (sample, unit) pairs of a dataset, in the order of the samples.

    A unit is active where its value is above zero.
    """

    num_samples: int
    samples: Int[np.ndarray, " pairs"]
    units: Int[np.ndarray, " pairs"]

    @classmethod
    def read(cls, columns: Columns) -> "ActiveUnits":
        """Returns the pairs that the columns `sae_indices` and `sae_values` hold."""
        indices, values = (columns[name] for name in CODE_COLUMNS)
        samples, slots = np.nonzero(values > 0)
        return cls(len(indices), samples, indices[samples, slots])

    def sums(self, weights: Float[np.ndarray, " units"]) -> Float[np.ndarray, " n"]:
        """Returns the sum of the weights of each sample's active units."""
        total = np.bincount(self.samples, weights[self.units], self.num_samples)
        return total.astype(np.float64)  # without a pair, bincount ignores the weights' type

    def counts(self, num_units: int) -> Int[np.ndarray, " units"]:
        """Returns how many samples activate each unit."""
        return np.bincount(self.units, minlength=num_units)
