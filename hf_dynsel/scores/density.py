"""The score that favours samples in sparse regions of the feature space."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.base import Columns, Score
from hf_dynsel.scores.neighbors import Backend, search


def unit(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Returns the rows scaled to length one; rows of zeros stay zero."""
    lengths = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float64))
    lengths[lengths == 0] = 1
    scaled = np.empty_like(features)
    with np.errstate(invalid="ignore"):  # the search for neighbours names a row with an infinity
        np.divide(features, lengths[:, None], out=scaled, casting="same_kind")
    return scaled


def density(
    features: Float[np.ndarray, "n d"],
    neighbors: int = 10,
    backend: Backend = "auto",
    seed: int = 0,
) -> Float[np.ndarray, " n"]:
    """Returns the mean distance of each sample to its nearest neighbours; large means sparse.

    Args:
        features: as they are to be compared; `unit` puts them on the sphere.
        neighbors: how many, the sample itself not counted; k in the paper.
        backend: `exact`, `hnsw`, or `auto` for the faster of the two here.
        seed: as in `search`; the distances do not depend on it.

    Raises:
        ValueError: if there are fewer than `neighbors + 1` samples, or a value is NaN or
            infinite.
        ImportError: if the backend is `hnsw` and usearch is not installed.

    Reference:
        Yang et al., "When Dynamic Data Selection Meets Data Augmentation", ICML 2025, arXiv
        2505.03809: a density from an HNSW search, min-max scaled so that large is sparse. Only a
        summary of the paper was at hand, which says neither k nor how distances are joined: the
        default of 10 and the mean are our choice.
    """
    return np.asarray(search(features, neighbors, backend, seed).distances.mean(axis=1))


@final
@dataclass(frozen=True, kw_only=True)
class Density(Score):
    """Averages the distances of a sample to its nearest neighbours, on features of length one.

    One far sample rules the range of the raw distances, and with it the default normalisation;
    `normalize="rank"` is robust against that.

    Args:
        neighbors: how many, the sample itself not counted; k in the paper.
        backend: `exact`, `hnsw`, or `auto` for the faster of the two here.
        seed: as in `search`; the score does not depend on it.

    Reference:
        Yang et al., "When Dynamic Data Selection Meets Data Augmentation", ICML 2025, arXiv
        2505.03809. In the paper the features are those of the model that is being trained, new
        for each selection: `hf_dynsel.selectors.DensityConsistency`. This is the static form, of
        frozen features. The layer, the L2 normalisation, k and the mean are our choice.
    """

    neighbors: int = 10
    backend: Backend = "auto"
    seed: int = 0
    name: ClassVar[str] = "density"
    columns: ClassVar[tuple[str, ...]] = ("features",)

    def compute(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, " n"]:
        """Returns the mean distance of each sample; labels play no part."""
        return density(unit(columns["features"]), self.neighbors, self.backend, self.seed)
