"""One pass of training an autoencoder with other libraries, those that are installed."""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec

import torch
from jaxtyping import Float
from torch import Tensor

Pass = Callable[[], object]
RATE = 1e-4  # of Adam


def other_passes(
    inputs: Float[Tensor, "n d"], units: int, k: int, batch_size: int
) -> Iterator[tuple[str, Pass]]:
    """Yields the name and version of each library, and a pass over the inputs with it."""
    for package, project, make in OTHERS:
        if find_spec(package):
            yield f"{project} {version(project)}", make(inputs, units, k, batch_size)


def _saelens(inputs: Tensor, units: int, k: int, batch_size: int) -> Pass:
    """SAELens's trainer, as it comes."""
    from sae_lens import TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.config import SAETrainerConfig
    from sae_lens.training.sae_trainer import SAETrainer

    settings = TopKTrainingSAEConfig(d_in=inputs.shape[1], d_sae=units, k=k)
    sae = TopKTrainingSAE(settings)
    config = SAETrainerConfig(len(inputs), batch_size, lr=RATE, lr_end=RATE)
    return lambda: SAETrainer(config, sae, iter(_batches(inputs, batch_size))).fit()


def _sparsify(inputs: Tensor, units: int, k: int, batch_size: int) -> Pass:
    """What the trainer of sparsify, which needs a language model, does with one batch."""
    from sparsify import SparseCoder, SparseCoderConfig

    sae = SparseCoder(inputs.shape[1], SparseCoderConfig(num_latents=units, k=k))
    adam = torch.optim.Adam(sae.parameters(), RATE)
    fired = torch.zeros(units, dtype=torch.bool)

    def one_pass() -> None:
        for batch in _batches(inputs, batch_size):
            sae.set_decoder_norm_to_unit_norm()
            found = sae(batch, dead_mask=torch.zeros_like(fired))
            fired[found.latent_indices.flatten()] = True
            found.fvu.backward()
            sae.remove_gradient_parallel_to_decoder_directions()
            adam.step()
            adam.zero_grad()

    return one_pass


def _batches(inputs: Tensor, batch_size: int) -> Iterator[Tensor]:
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))
    return (inputs[rows] for rows in torch.split(order, batch_size))


OTHERS = (("sae_lens", "sae-lens", _saelens), ("sparsify", "eai-sparsify", _sparsify))
