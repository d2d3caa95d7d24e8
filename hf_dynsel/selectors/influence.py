"""What leaving out each sample does to a model: vectors, by the sums and products of them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


class Influence(ABC):
    """One vector per sample, of which sums and products can be had."""

    @abstractmethod
    def total(self, shares: Float[np.ndarray, " n"]) -> Float[np.ndarray, " p"]:
        """Returns the sum of all vectors, each times its share."""

    @abstractmethod
    def along(self, direction: Float[np.ndarray, " p"]) -> Float[np.ndarray, " n"]:
        """Returns the inner product of each vector with a direction."""

    @abstractmethod
    def squares(self) -> Float[np.ndarray, " n"]:
        """Returns the squared length of each vector."""

    @abstractmethod
    def vectors(self, rows: Int[np.ndarray, " r"]) -> Float[np.ndarray, "r p"]:
        """Returns the vectors of a few samples."""


@dataclass(frozen=True)
class InfluenceTable(Influence):
    """Vectors that are at hand.

    Args:
        table: one row per sample.
    """

    table: Float[np.ndarray, "n p"]

    def total(self, shares: Float[np.ndarray, " n"]) -> Float[np.ndarray, " p"]:
        """Returns the sum of all vectors, each times its share."""
        return np.asarray(shares @ self.table)

    def along(self, direction: Float[np.ndarray, " p"]) -> Float[np.ndarray, " n"]:
        """Returns the inner product of each vector with a direction."""
        return np.asarray(self.table @ direction)

    def squares(self) -> Float[np.ndarray, " n"]:
        """Returns the squared length of each vector."""
        return np.asarray(np.einsum("np,np->n", self.table, self.table))

    def vectors(self, rows: Int[np.ndarray, " r"]) -> Float[np.ndarray, "r p"]:
        """Returns the vectors of a few samples."""
        return np.asarray(self.table[rows])
