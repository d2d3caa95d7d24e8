"""Shows what building an HNSW index with several threads gains, and what it costs in sameness."""

import time
from typing import Any

import numpy as np
from jaxtyping import Float

from hf_dynsel.scores import hnsw_neighbors


def compare_threads(features: Float[np.ndarray, "n d"], neighbors: int) -> list[dict[str, Any]]:
    """Returns seconds of a build with one thread and with all, and the share of the rows that
    find neighbours at the same distances in a second build.
    """
    rows = []
    for threads in (1, 0):
        start = time.perf_counter()
        first, second = (hnsw_neighbors.build(features, neighbors, threads) for _ in range(2))
        seconds = (time.perf_counter() - start) / 2
        found = [hnsw_neighbors.query(index, features, neighbors) for index in (first, second)]
        rows.append(
            {
                "rows": len(features),
                "threads": threads or "all",
                "build s": seconds,
                "same again": float((found[0] == found[1]).all(axis=1).mean()),
            }
        )
    return rows
