"""Training a sparse autoencoder, against the matrix product that each step cannot do without."""

from collections.abc import Iterator

import numpy as np
import torch

from hf_dynsel.bench.other_autoencoders import other_passes
from hf_dynsel.bench.target import Target, paired
from hf_dynsel.feature_rows import feature_rows
from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig
from hf_dynsel.sae.batches import Batches
from hf_dynsel.sae.model import CACHED
from hf_dynsel.sae.revival import Revival
from hf_dynsel.sae.train import fit

K, EXPANSION = 32, 16
REVIVAL = Revival(1 / 32, "mean", flip=True)


def bench_autoencoder(full: bool) -> Iterator[Target]:
    """Yields the share of a pass of training that its products of inputs and weights would take.

    The sizes are the defaults of `train_sae` for as many rows. The products are done in pieces
    of the size that training takes, which a processor does faster than all at once. SAELens and
    sparsify are measured beside it where they are installed; without a GPU, sparsify asks for
    `SPARSIFY_DISABLE_TRITON=1`.
    """
    rows, width, batch_size, turns = (60_000, 512, 3750, 3) if full else (512, 16, 128, 1)
    features = np.random.default_rng(0).standard_normal((rows, width), dtype=np.float32)
    units = EXPANSION * width
    sae = SparseAutoencoder(SparseAutoencoderConfig(width, units, K))
    data = Batches(feature_rows(features), batch_size, torch.device("cpu"), seed=0)
    inputs, pieces = torch.from_numpy(features), max(1, CACHED // units)
    weight, table = torch.ones(units, width), torch.empty(pieces, units)

    def theirs() -> None:
        for part in torch.split(inputs, pieces):
            torch.mm(part, weight.T, out=table[: len(part)])

    def ours() -> None:
        fit(sae, data, 1, 1e-4, REVIVAL, progress=False)

    found = paired(ours, theirs, turns)
    yield Target(
        "seconds of an SAE's matrix products by those of training it",
        1 / found.ratio,
        0.6,
        at_least=True,
        details={
            "rows": rows,
            "width": width,
            "units": units,
            "k": K,
            "batch size": batch_size,
            "training, s": found.ours,
            "products, s": found.theirs,
        },
    )
    for name, other in other_passes(inputs, units, K, batch_size):
        found = paired(ours, other, 1)
        yield Target(
            f"seconds of training an SAE by those of {name}",
            found.ratio,
            1.0,
            details={"ours, s": found.ours, "theirs, s": found.theirs},
        )
