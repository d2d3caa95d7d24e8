"""Finds the nearest neighbours of each sample, exactly or by an HNSW graph."""

import time
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

Backend = Literal["auto", "exact", "hnsw"]

EXACT_ROWS = 100_000  # on a processor
CHECKED_ROWS = 256
SAME = 1 + 1e-6  # two roundings of one distance


@dataclass(frozen=True)
class Neighbors:
    """What a search found.

    Args:
        distances: Euclidean, of each sample to its nearest neighbours, the nearest first. The
            sample itself is left out by its id, so that a duplicate counts, at distance zero.
        backend: `exact` or `hnsw`.
        recall: share of the true neighbours that were found, measured on up to 256 samples.
        seconds_build: wall time of building the index.
        seconds_query: wall time of the search, the measuring of the recall included.
    """

    distances: Float[np.ndarray, "n k"]
    backend: Literal["exact", "hnsw"]
    recall: float
    seconds_build: float
    seconds_query: float


def search(
    features: Float[np.ndarray, "n d"], neighbors: int, backend: Backend = "auto", seed: int = 0
) -> Neighbors:
    """Returns how far each row is from its nearest neighbours among the other rows.

    The distances depend on nothing but the features and the backend.

    Args:
        features: one row per sample.
        neighbors: how many, the sample itself not counted.
        backend: `exact`, in blocks on the accelerator, or on the processor if there is none;
            `hnsw`, an approximate graph on the processor; `auto` is the faster of the two.
        seed: chooses the samples on which the recall is measured.

    Raises:
        ValueError: if there are too few rows, a value is NaN or infinite, or an argument is out
            of range.
        ImportError: if the backend is `hnsw` and usearch is not installed.
    """
    rows, backend = _prepared(features, neighbors, backend)
    from hf_dynsel.scores import exact_neighbors, hnsw_neighbors

    start = time.perf_counter()
    if backend == "exact":
        every = np.arange(len(rows))
        distances = exact_neighbors.exact_distances(rows, every, neighbors)
        return Neighbors(distances, "exact", 1.0, 0.0, time.perf_counter() - start)
    index = hnsw_neighbors.build(rows, neighbors)
    built = time.perf_counter()
    distances = hnsw_neighbors.query(index, rows, neighbors)
    share = recall(rows, distances, seed)
    return Neighbors(distances, "hnsw", share, built - start, time.perf_counter() - built)


def nearest(
    features: Float[np.ndarray, "n d"], neighbors: int, backend: Backend = "auto"
) -> tuple[Float[np.ndarray, "n k"], Int[np.ndarray, "n k"]]:
    """Returns the distances of each row to its nearest neighbours, and which rows those are.

    Of rows at equal distance, the lower ones come first.

    Args:
        features: one row per sample.
        neighbors: how many, the sample itself not counted.
        backend: as in `search`. With `hnsw`, equal distances are ordered among what it found.

    Raises:
        ValueError: as `search`.
        ImportError: as `search`.
    """
    rows, backend = _prepared(features, neighbors, backend)
    from hf_dynsel.scores import exact_neighbors, hnsw_neighbors

    if backend == "exact":
        return exact_neighbors.exact_neighbors(rows, np.arange(len(rows)), neighbors)
    return hnsw_neighbors.find(hnsw_neighbors.build(rows, neighbors), rows, neighbors)


def faster(rows: int, device: str) -> Literal["exact", "hnsw"]:
    """Returns the faster backend for so many rows on a device of this type.

    Only these two count, so that the answer, and with it the selection, is the same for any
    number of threads and processes.

    On a processor, both took 34 to 36 processor seconds for 60,000 rows of 128
    (`recipes/results/density_cost`). `exact` shares them among all threads, and one thread builds
    the graph of `hnsw`: with the growth measured there, they meet near 100,000 rows on two cores.

    On an accelerator it is always `exact`, by arithmetic and not by measurement: ImageNet's 1.28
    million rows of 512 are 1.7e15 operations, a minute or two at 20 TFLOP/s, while the growth
    measured for `hnsw` on two cores leads to half an hour and more.
    """
    return "exact" if device != "cpu" or rows <= EXACT_ROWS else "hnsw"


def recall(
    features: Float[np.ndarray, "n d"], distances: Float[np.ndarray, "n k"], seed: int
) -> float:
    """Returns the share of the true neighbours that a search found, on up to 256 rows.

    A neighbour as near as a true one is as good.
    """
    from hf_dynsel.scores.exact_neighbors import exact_distances

    size = min(CHECKED_ROWS, len(features))
    rows = np.random.default_rng(seed).choice(len(features), size, replace=False)
    furthest = exact_distances(features, rows, distances.shape[1])[:, -1:]
    return float((distances[rows] <= SAME * furthest).mean())


def _prepared(
    features: Float[np.ndarray, "n d"], neighbors: int, backend: Backend
) -> tuple[Float[np.ndarray, "n d"], Literal["exact", "hnsw"]]:
    """Returns the features as the backends take them, and which of the two to use."""
    _check(features, neighbors, backend)
    from hf_dynsel.scores.exact_neighbors import device

    kind = np.result_type(features, np.float32)
    rows = np.require(features, kind, ["C_CONTIGUOUS", "WRITEABLE"])
    return rows, faster(len(rows), device().type) if backend == "auto" else backend


def _check(features: Float[np.ndarray, "n d"], neighbors: int, backend: str) -> None:
    if features.ndim != 2:
        raise ValueError(
            f"features must have one row per sample, shape (n, d), but have shape {features.shape}"
        )
    if backend not in get_args(Backend):
        raise ValueError(f"backend must be one of {get_args(Backend)}, got {backend!r}")
    if neighbors < 1:
        raise ValueError(f"neighbors must be at least 1, got {neighbors}")
    if len(features) <= neighbors:
        raise ValueError(
            f"{neighbors} neighbors of each sample need at least {neighbors + 1} samples, but "
            f"there are {len(features)}; lower neighbors, or give more samples"
        )
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        raise ValueError(
            f"the features hold NaN or an infinity in {len(bad)} rows, the first is row {bad[0]}; "
            "a model that diverged gives such features: lower its learning rate, or drop the rows"
        )
