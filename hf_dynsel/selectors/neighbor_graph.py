"""The graph that joins every sample with its nearest neighbours, as a sparse matrix."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Num

from hf_dynsel.scores.neighbors import Backend, nearest

BLOCK_ENTRIES = 2**18


def neighbor_graph(
    features: Num[np.ndarray, "n d"], neighbors: int, backend: Backend = "auto"
) -> Any:
    """Returns a symmetric `scipy.sparse.csr_array` of distances: two rows are joined if either is
    among the nearest of the other.

    A row can have more than `neighbors` of them, and in a small pool has fewer. Duplicates are
    joined by a distance of zero that is stored: arithmetic on the matrix may drop it, functions of
    its `data` do not.

    Args:
        features: one row per sample.
        neighbors: how many, the sample itself not counted; at most all others.
        backend: as in `nearest`.
    """
    from scipy import sparse  # here, for it takes as long to import as all of the selectors

    n, k = len(features), min(neighbors, len(features) - 1)
    if k == 0:
        return sparse.csr_array((n, n), dtype=np.float32)
    distances, ids = nearest(features, k, backend)
    ids = ids.astype(np.int32)
    rows = np.repeat(np.arange(n, dtype=np.int32), k)
    one_way = ~_mutual(ids).ravel()
    others, flat = ids.ravel(), distances.ravel().astype(np.float32, copy=False)
    sources = np.concatenate([rows, others[one_way]])
    targets = np.concatenate([others, rows[one_way]])
    weights = np.concatenate([flat, flat[one_way]])
    graph = sparse.coo_array((weights, (sources, targets)), shape=(n, n)).tocsr()
    graph.sort_indices()
    return graph


def _mutual(ids: Int[np.ndarray, "n k"]) -> Bool[np.ndarray, "n k"]:
    """Marks the neighbours that count the row among their own, in blocks of rows."""
    marks = np.empty(ids.shape, dtype=bool)
    step = max(1, BLOCK_ENTRIES // ids.shape[1] ** 2)
    for first in range(0, len(ids), step):
        block = ids[first : first + step]
        own = np.arange(first, first + len(block), dtype=ids.dtype)
        marks[first : first + step] = (ids[block] == own[:, None, None]).any(axis=2)
    return marks
