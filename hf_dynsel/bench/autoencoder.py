"""Training a sparse autoencoder, against the matrix product that each step cannot do without."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from hf_dynsel.bench.target import Target, paired
from hf_dynsel.sae import train_sae

K, EXPANSION = 32, 8


def bench_autoencoder(full: bool) -> Iterator[Target]:
    """Yields the share of `train_sae` that its products of inputs and weights alone would take."""
    rows, width, batch_size, turns = (16_384, 512, 1024, 3) if full else (512, 16, 128, 1)
    features = np.random.default_rng(0).standard_normal((rows, width), dtype=np.float32)
    inputs, weight = torch.from_numpy(features[:batch_size]), torch.ones(EXPANSION * width, width)
    table = torch.empty(batch_size, EXPANSION * width)
    settings: dict[str, Any] = {
        "expansion": EXPANSION,
        "k": K,
        "batch_size": batch_size,
        "progress": False,
    }

    def theirs() -> None:
        for _ in range(rows // batch_size):
            torch.mm(inputs, weight.T, out=table)

    found = paired(lambda: train_sae(features, epochs=1, **settings), theirs, turns)
    yield Target(
        "seconds of an SAE's matrix products by those of training it",
        1 / found.ratio,
        0.6,
        at_least=True,
        details={
            "rows": rows,
            "width": width,
            "units": EXPANSION * width,
            "k": K,
            "batch size": batch_size,
            "training, s": found.ours,
            "products, s": found.theirs,
        },
    )
