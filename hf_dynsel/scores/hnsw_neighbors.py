"""Approximately nearest neighbours and their distances, from a graph that usearch builds."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from hf_dynsel.extras import require
from hf_dynsel.scores.exact_neighbors import block_rows, distances_between, exact_neighbors

CONNECTIVITY = 16  # M
CONSTRUCTION_EFFORT = 200  # ef_construction
LEAST_SEARCH_EFFORT = 64  # ef; a recall of 0.999 on 60,000 features of Fashion-MNIST


def build(features: Float[np.ndarray, "n d"], neighbors: int, threads: int = 1) -> Any:
    """Returns an index of the rows, with their numbers as keys.

    It is built anew for every search: an index that is updated where features changed is built
    faster but finds a little less, and depends on its history, which a resumed run does not have
    (`hf-dynsel bench neighbors` measures both).

    Args:
        features: float32 is enough for the graph; distances are computed apart from it.
        neighbors: how many will be asked for.
        threads: 0 means all. With one, the index is a function of the features alone; with more,
            it depends on the order in which rows happen to enter.

    Raises:
        ImportError: if usearch is not installed.
    """
    index = require("usearch.index", "neighbors").Index(
        ndim=features.shape[1],
        metric="l2sq",
        dtype="f32",
        connectivity=CONNECTIVITY,
        expansion_add=CONSTRUCTION_EFFORT,
        expansion_search=search_effort(neighbors),
    )
    index.add(np.arange(len(features)), features.astype(np.float32, copy=False), threads=threads)
    return index


def search_effort(neighbors: int) -> int:
    """Returns `ef`, how many candidates a search keeps."""
    return max(LEAST_SEARCH_EFFORT, 4 * neighbors)


def query(
    index: Any, features: Float[np.ndarray, "n d"], neighbors: int
) -> Float[np.ndarray, "n k"]:
    """Returns the sorted Euclidean distances of every row to the nearest others it found."""
    return find(index, features, neighbors)[0]


def find(
    index: Any, features: Float[np.ndarray, "n d"], neighbors: int
) -> tuple[Float[np.ndarray, "n k"], Int[np.ndarray, "n k"]]:
    """Returns the distances of every row to the nearest others it found, and which those are.

    The index only says which they are; the distances are computed as in `exact_distances`.
    A row for which the graph does not reach enough others is searched for exactly.
    """
    matches = index.search(features.astype(np.float32, copy=False), neighbors + 1)
    others = _without_self(matches.keys.astype(np.int64))
    short = np.flatnonzero(matches.counts <= neighbors)
    others[short] = 0
    others.sort()  # so that a stable sort puts the lower of equals first
    points, ids = torch.from_numpy(features), torch.from_numpy(others)
    found = np.empty(others.shape, features.dtype)
    step = block_rows(features.shape, neighbors)
    for rows in torch.split(torch.arange(len(features)), step):
        distances, places = distances_between(points, rows, ids[rows]).sort(stable=True)
        found[rows], ids[rows] = distances.numpy(), ids[rows].gather(1, places)
    if len(short):
        found[short], others[short] = exact_neighbors(features, short, neighbors)
    return found, others


def _without_self(ids: Int[np.ndarray, "n found"]) -> Int[np.ndarray, "n k"]:
    """Drops each row's own number, or the furthest where duplicates pushed it out."""
    own = ids == np.arange(len(ids))[:, None]
    own[~own.any(axis=1), -1] = True
    return np.asarray(ids[~own].reshape(len(ids), -1))
