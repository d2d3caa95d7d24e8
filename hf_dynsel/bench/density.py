"""The search for neighbours of a density refresh, against the epoch of training before it."""

from collections.abc import Iterator

import numpy as np

from hf_dynsel.bench.images import step_seconds
from hf_dynsel.bench.target import Target, seconds
from hf_dynsel.scores.density import unit
from hf_dynsel.scores.neighbors import search

ARCHITECTURE, BATCH_SIZE, NEIGHBORS = "small_resnet18", 128, 10


def bench_density(full: bool) -> Iterator[Target]:
    """Yields the seconds of a search by those of an epoch, which is extrapolated from steps."""
    rows, width, steps = (60_000, 512, 10) if full else (256, 16, 2)
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((100, width), dtype=np.float32)
    noise = rng.standard_normal((rows, width), dtype=np.float32)
    features = unit(centres[rng.integers(100, size=rows)] + noise)
    found = seconds(lambda: search(features, NEIGHBORS, "hnsw"))
    epoch = step_seconds(ARCHITECTURE, BATCH_SIZE, steps) * rows / BATCH_SIZE
    yield Target(
        f"seconds of a density refresh by those of an epoch, {rows:,} rows of {width}",
        found / epoch,
        0.1,
        details={"network": ARCHITECTURE, "search, s": found, "epoch, s": epoch},
    )
