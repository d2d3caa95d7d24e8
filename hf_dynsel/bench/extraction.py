"""Encoding a dataset, against the bare loop over the same batches."""

import tempfile
from collections.abc import Iterator

import torch
from torch.utils.data import default_collate

from hf_dynsel.bench.images import made_up_images, network
from hf_dynsel.bench.target import Target, paired
from hf_dynsel.features import TrainedModel, extract

ARCHITECTURE, BATCH_SIZE = "small_resnet18", 128


def bench_extraction(full: bool) -> Iterator[Target]:
    """Yields the rows per second of `extract`, by those of a loop that throws features away."""
    batches, turns = (16, 7) if full else (2, 1)
    data = made_up_images(batches * BATCH_SIZE)
    encoder = TrainedModel(network(ARCHITECTURE).eval(), collate_fn=default_collate)

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            extract(data, encoder, cache_dir=folder, batch_size=BATCH_SIZE)

    def theirs() -> None:
        with torch.inference_mode():
            for start in range(0, len(data), BATCH_SIZE):
                rows = data.__getitems__(list(range(start, start + BATCH_SIZE)))
                encoder.module(**default_collate(rows))

    found = paired(ours, theirs, turns)
    yield Target(
        "rows per second of extract by those of the bare encoder",
        1 / found.ratio,
        0.95,
        at_least=True,
        details={
            "network": ARCHITECTURE,
            "rows": len(data),
            "batch size": BATCH_SIZE,
            "ours, s": found.ours,
            "bare, s": found.theirs,
        },
    )
