"""Places vectors on a plane so that near ones stay near: UMAP, or t-SNE without it."""

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_matrix
from sklearn.manifold import TSNE

from hf_dynsel.extras import require

NEIGHBORS = 15  # UMAP's default
PERPLEXITY = 30.0  # t-SNE's


def umap(vectors: csr_matrix, seed: int) -> Float[np.ndarray, "n 2"]:
    """Returns a place for each row by UMAP of their cosines, the same for the same seed.

    The first call compiles for tens of seconds.

    Raises:
        ImportError: if the extra `figures` is not installed.

    Reference:
        McInnes, Healy and Melville, "UMAP: Uniform Manifold Approximation and Projection for
        Dimension Reduction", arXiv 1802.03426, 2018; the authors' package and its defaults.
    """
    with warnings.catch_warnings():
        # The package warns that it goes without TensorFlow, which this does not use.
        warnings.simplefilter("ignore", ImportWarning)
        package = require("umap", "figures")
    # One thread: with several, the places differ from call to call.
    settings = {"metric": "cosine", "random_state": seed, "n_jobs": 1}
    neighbors = min(NEIGHBORS, vectors.shape[0] - 1)
    return np.asarray(package.UMAP(n_neighbors=neighbors, **settings).fit_transform(vectors))


def tsne(vectors: csr_matrix, seed: int) -> Float[np.ndarray, "n 2"]:
    """Returns a place for each row by t-SNE of their cosines, the same for the same seed.

    Reference:
        van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 2008; scikit-learn's.
    """
    perplexity = min(PERPLEXITY, (vectors.shape[0] - 1) / 3)
    settings = {"metric": "cosine", "init": "random", "random_state": seed, "n_jobs": 1}
    return np.asarray(TSNE(perplexity=perplexity, **settings).fit_transform(vectors))


PROJECTIONS: Mapping[str, Callable[[csr_matrix, int], Float[np.ndarray, "n 2"]]] = MappingProxyType(
    {"umap": umap, "tsne": tsne}
)
