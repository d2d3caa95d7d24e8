"""Times the search for neighbours against the training epoch that it is done for."""

import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from datasets import Dataset
from tqdm.auto import tqdm

from hf_dynsel.bench.index_threads import compare_threads
from hf_dynsel.bench.index_update import compare_update
from hf_dynsel.bench.load import load_average
from hf_dynsel.bench.training import BATCH_SIZE, Training, train_briefly
from hf_dynsel.environment import environment
from hf_dynsel.scores import hnsw_neighbors
from hf_dynsel.scores.neighbors import Backend, Neighbors, search

BACKENDS: tuple[Backend, ...] = ("exact", "hnsw")
CHANGED = (0.3, 0.5)
NOTE = "other work ran on the machine"


def bench_neighbors(
    dataset: Dataset,
    sizes: Sequence[int],
    *,
    update_size: int,
    architecture: str = "small_cnn",
    steps: int = 200,
    neighbors: int = 10,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns seconds, recall and growth of both backends, beside the cost of training.

    The network is trained for a few steps on the first rows. Its penultimate features are
    searched at each size, and an epoch over as many rows is extrapolated from the median step.

    Args:
        dataset: has `image` and `label`.
        sizes: how many of its first rows to search, two sizes or more.
        update_size: how many to compare the update of an index with a rebuild on.
        architecture: a name that timm knows.
        steps: of training, in batches of 128.
        neighbors: how many, the row itself not counted.
        seed: of the training and of all draws.

    Raises:
        ValueError: if a size is more than the dataset has, or there is only one.
        ImportError: if usearch or timm is not installed.
    """
    _check(dataset, sizes, update_size)
    load = load_average()
    rows = dataset.select(range(max(*sizes, update_size)))
    training = train_briefly(rows, architecture, steps, seed)
    for name in BACKENDS:
        search(training.late[: 2 * neighbors], neighbors, name)  # a first call pays for imports
    cost = [row for size in tqdm(sizes, "search") for row in _size(training, size, neighbors, seed)]
    moments = training.early[:update_size], training.late[:update_size]
    update = [compare_update(*moments, share, neighbors, seed) for share in tqdm(CHANGED, "update")]
    return {
        "architecture": architecture,
        "dimensions": training.late.shape[1],
        "steps": steps,
        "batch size": BATCH_SIZE,
        "neighbors": neighbors,
        "seed": seed,
        "hnsw": _hnsw(neighbors),
        "load average before": load,
        "note": NOTE if load > 1 else None,
        "cost": cost,
        "growth exponent": {name: _growth(cost, name) for name in BACKENDS},
        "update": [row for ways in update for row in ways],
        "threads": compare_threads(moments[1], neighbors),
        "environment": environment(),
    }


def _hnsw(neighbors: int) -> dict[str, Any]:
    return {
        "usearch": version("usearch"),
        "M": hnsw_neighbors.CONNECTIVITY,
        "ef_construction": hnsw_neighbors.CONSTRUCTION_EFFORT,
        "ef": hnsw_neighbors.search_effort(neighbors),
    }


def _size(training: Training, size: int, neighbors: int, seed: int) -> list[dict[str, Any]]:
    features = training.late[:size]
    epoch, sweep = size * training.seconds_per_row, size * training.seconds_per_swept_row
    rows, exact = [], None
    for name in BACKENDS:
        start = time.process_time()
        found = search(features, neighbors, name, seed)
        spent, exact = time.process_time() - start, exact or found
        seconds = found.seconds_build + found.seconds_query
        rows.append(
            {
                "rows": size,
                "backend": name,
                "build s": found.seconds_build,
                "query s": found.seconds_query,
                "processor s": spent,
                "recall": found.recall,
                "same half": _same_half(found, exact),
                "sweep s": sweep,
                "epoch s": epoch,
                "search / epoch": seconds / epoch,
                "search + sweep / epoch": (seconds + sweep) / epoch,
            }
        )
    return rows


def _same_half(one: Neighbors, other: Neighbors) -> float:
    """Returns the Jaccard index of the halves of the rows that are sparsest by either search."""
    first, second = (
        np.argsort(-found.distances.mean(axis=1), kind="stable")[: len(found.distances) // 2]
        for found in (one, other)
    )
    return len(np.intersect1d(first, second)) / len(np.union1d(first, second))


def _growth(cost: list[dict[str, Any]], backend: str) -> float:
    """Returns the exponent by which processor seconds grow with rows, by least squares.

    Seconds of all threads together, which other work on the machine disturbs least.
    """
    rows = [row for row in cost if row["backend"] == backend]
    seconds = np.log([row["processor s"] for row in rows])
    return float(np.polyfit(np.log([row["rows"] for row in rows]), seconds, 1)[0])


def _check(dataset: Dataset, sizes: Sequence[int], update_size: int) -> None:
    if len(set(sizes)) < 2:
        raise ValueError(f"growth needs two sizes or more, got {list(sizes)}")
    largest = max(*sizes, update_size)
    if largest > len(dataset):
        raise ValueError(f"the dataset has {len(dataset):,} rows, fewer than the size {largest:,}")
