"""The sets of SAE units that samples activate, and how many of each are not covered yet."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_dynsel.core import Pool

CODES = frozenset({"sae_indices", "sae_values"})
BLOCK_ENTRIES = 2**20


@dataclass(frozen=True)
class FeatureSets:
    """One row of units per sample; places that hold none hold the number of units.

    Args:
        units: of each sample, none twice.
        count: number of units.
    """

    units: Int[np.ndarray, "n k"]
    count: int

    @classmethod
    def of(cls, indices: Int[np.ndarray, "n k"], values: Float[np.ndarray, "n k"]) -> "FeatureSets":
        """Returns the sets of units with a value above zero."""
        count = int(indices.max(initial=-1)) + 1
        units = np.where(values > 0, indices, count)
        units.sort(axis=1)
        units[:, 1:][units[:, 1:] == units[:, :-1]] = count
        return cls(units, count)

    @classmethod
    def read(cls, pool: Pool) -> "FeatureSets":
        """Returns the sets that the columns `sae_indices` and `sae_values` hold."""
        return cls.of(pool.column("sae_indices"), pool.column("sae_values"))

    @staticmethod
    def check(pool: Pool) -> None:
        """Raises ValueError unless the pool has both columns, and they belong together."""
        indices, values = pool.column("sae_indices"), pool.column("sae_values")
        if indices.shape != values.shape:
            raise ValueError(
                f"column 'sae_indices' has shape {indices.shape} and 'sae_values' "
                f"{values.shape}; they must be of one encoding: add them again with "
                "hf_dynsel.sae.add_codes"
            )

    def nothing_covered(self) -> Bool[np.ndarray, " units"]:
        """Returns marks for the units, all off but the last, which stands for none."""
        covered = np.zeros(self.count + 1, dtype=bool)
        covered[-1] = True
        return covered

    def new(
        self, rows: Int[np.ndarray, " r"], covered: Bool[np.ndarray, " units"]
    ) -> Int[np.ndarray, " r"]:
        """Returns how many units of each row are not covered."""
        found = np.empty(len(rows), dtype=np.int32)
        step = max(1, BLOCK_ENTRIES // max(1, self.units.shape[1]))
        for first in range(0, len(rows), step):
            block = covered[self.units[rows[first : first + step]]]
            found[first : first + step] = block.shape[1] - np.count_nonzero(block, axis=1)
        return found
