"""How often and how strongly the samples of each class activate each unit of an autoencoder."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix

from hf_dynsel.scores.active import CODE_COLUMNS
from hf_dynsel.scores.representativeness import common_units


@dataclass(frozen=True)
class UnitStatistics:
    """Sums over the samples of each class; a unit fires for a sample where its value is above zero.

    Args:
        sums: of the values of each unit that fires.
        counts: samples that each unit fires for.
        sizes: samples of each class.
    """

    sums: Float[np.ndarray, "c units"]
    counts: Int[np.ndarray, "c units"]
    sizes: Int[np.ndarray, " c"]

    @classmethod
    def of(
        cls, active: csr_matrix, labels: Int[np.ndarray, " n"], num_classes: int
    ) -> "UnitStatistics":
        """Returns the statistics of active units.

        Args:
            active: the values above zero, one row per sample.
            labels: class of each sample.
            num_classes: classes, those without samples included.
        """
        sizes = np.bincount(labels, minlength=num_classes)
        places = (labels, np.arange(len(labels)))
        member = csr_matrix((np.ones(len(labels)), places), (num_classes, len(labels)))
        counts = (member @ (active > 0)).toarray().astype(np.int64)
        return cls((member @ active).toarray(), counts, sizes)

    @property
    def means(self) -> Float[np.ndarray, "c units"]:
        """Mean value of each unit over the samples of each class, zeros included."""
        means: Float[np.ndarray, "c units"] = self.sums / np.maximum(self.sizes, 1)[:, None]
        return means

    @property
    def coverage(self) -> Float[np.ndarray, " units"]:
        """Number of classes that a unit is spread over: one to all, zero if it never fires.

        It is the exponential of the entropy of its mean value over classes, so that classes count
        alike whatever their sizes, and a class that it hardly fires for hardly counts.
        """
        means = self.means
        total = means.sum(axis=0)
        shares = means / np.where(total > 0, total, 1.0)
        logs = np.log(np.where(shares > 0, shares, 1.0))
        return np.where(total > 0, np.exp(-(shares * logs).sum(axis=0)), 0.0)

    def common(self, share: float) -> Int[np.ndarray, " common"]:
        """Returns the units that most samples of the dataset activate, most of all first.

        Args:
            share: of all units.
        """
        return common_units(self.counts.sum(axis=0), share)


def active_units(codes: Mapping[str, np.ndarray], num_units: int) -> csr_matrix:
    """Returns the values above zero, one row per sample and one column per unit.

    Args:
        codes: `sae_indices` and `sae_values`.
        num_units: of the autoencoder.
    """
    indices, values = (codes[name] for name in CODE_COLUMNS)
    fires = values > 0
    ends = np.append(0, np.cumsum(fires.sum(axis=1)))
    shape = (len(indices), num_units)
    return csr_matrix((values[fires].astype(np.float64), indices[fires], ends), shape)
