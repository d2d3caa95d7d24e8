"""Compares an HNSW index that is updated where features changed with one that is built anew."""

import time
from typing import Any

import numpy as np
from jaxtyping import Float

from hf_dynsel.scores import hnsw_neighbors
from hf_dynsel.scores.neighbors import recall


def compare_update(
    before: Float[np.ndarray, "n d"],
    after: Float[np.ndarray, "n d"],
    share: float,
    neighbors: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Returns seconds and recall of both ways, after a share of the rows has new features.

    Args:
        before: features that the index holds at first.
        after: features of the same rows, after more training.
        share: of the rows that change, from 0 to 1, drawn at random.
        neighbors: how many, the row itself not counted.
        seed: draws the rows that change, and those on which the recall is measured.
    """
    count = round(share * len(before))
    changed = np.random.default_rng(seed).choice(len(before), count, replace=False)
    features = before.copy()
    features[changed] = after[changed]
    updated = hnsw_neighbors.build(before, neighbors)
    start = time.perf_counter()
    updated.remove(changed)
    updated.add(changed, features[changed], threads=1)
    update_seconds = time.perf_counter() - start
    start = time.perf_counter()
    fresh = hnsw_neighbors.build(features, neighbors)
    seconds = {"update": update_seconds, "rebuild": time.perf_counter() - start}
    rows = []
    for way, index in {"update": updated, "rebuild": fresh}.items():
        start = time.perf_counter()
        found = hnsw_neighbors.query(index, features, neighbors)
        rows.append(
            {
                "rows": len(features),
                "changed": share,
                "way": way,
                "index s": seconds[way],
                "query s": time.perf_counter() - start,
                "recall": recall(features, found, seed),
            }
        )
    return rows
