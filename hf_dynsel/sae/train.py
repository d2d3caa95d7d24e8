"""Trains a sparse autoencoder on feature vectors."""

import math
import time
from functools import partial
from typing import Any

import torch
from datasets import Dataset
from jaxtyping import Float
from torch import Tensor
from tqdm.auto import tqdm

from hf_dynsel.feature_rows import Rows, feature_rows, in_order
from hf_dynsel.origin import origin_of
from hf_dynsel.sae.batches import Batches
from hf_dynsel.sae.config import SparseAutoencoderConfig, TopKMode, TrainingSummary
from hf_dynsel.sae.encode import encoded
from hf_dynsel.sae.fit import Fit
from hf_dynsel.sae.model import SparseAutoencoder
from hf_dynsel.sae.parallel import ALONE, Share, Team
from hf_dynsel.sae.revival import DeadUnits, Reduction, Revival, flip_negative
from hf_dynsel.sae.sparse import SparseCodes, sums_by_unit, weighted_rows

MANY_ITEMS = 50_000
MIN_WINDOW = 100


def train_sae(
    features: Any,
    *,
    expansion: int | None = None,
    k: int = 32,
    topk_mode: TopKMode = "relu",
    epochs: int = 50,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    revive_weight: float = 1 / 32,
    revive_reduction: Reduction = "mean",
    flip_negative_dead: bool = True,
    seed: int = 0,
    device: torch.device | str | None = None,
    progress: bool = True,
    together: bool = False,
) -> SparseAutoencoder:
    """Returns a sparse autoencoder trained on feature vectors, with a summary of the training.

    The same features and seed give the same weights on the same machine; global random numbers
    are neither used nor changed. Features of up to 4 GiB are moved to the device once; larger
    ones are read batch by batch. Where a dataset and its features come from is noted in `origin`.

    Args:
        features: an array or tensor with one row per item, or a `datasets.Dataset` with a
            `features` column.
        expansion: units per feature dimension. None takes 16, or 8 below 50,000 items.
        k: units kept per item.
        topk_mode: the rule for keeping them, as in `SparseAutoencoderConfig`.
        epochs: passes over the items.
        batch_size: items per step, at most; a pass is cut into batches of nearly equal size.
            None takes 4096, or fewer so that a pass has 16 batches, but no fewer than 256.
        learning_rate: of Adam. None takes 2e-4 / sqrt(units / 2^14).
        revive_weight: factor on the loss that revives dead units; 0 leaves it out.
        revive_reduction: whether that loss is the mean or the sum over the dead units.
        flip_negative_dead: whether dead units that point away from every item are turned round.
        seed: of the initial weights and the order of the items.
        device: where to train. None takes CUDA where there is one.
        progress: whether to show a bar with the unexplained variance (fvu), the active units
            per item (l0) and the share of dead units of the last pass.
        together: whether all processes of the launcher train it, each calling this with the same
            features. They share the products and the choice of units; the result is the same as
            that of one, on CPUs to the bit. Each holds the weights, Adam's two moments and the
            features of up to 4 GiB.

    Raises:
        ValueError: if a setting is out of range, or the features hold fewer than two items, NaN
            or an infinity, or vectors of different lengths.

    Reference:
        Zhou et al., arXiv 2603.04981, appendix A, equation 25. Not published, and ours: the
        sizes, the optimizer, the preprocessing and the factor of the revival loss. The loss is
        summed over dimensions and averaged over items. A unit is dead if no item activated it
        for one pass or 100 batches, whichever is longer, and is then revived at every batch
        until the next check.
    """
    started, team = time.perf_counter(), Team.everyone() if together else ALONE
    revival = Revival(revive_weight, revive_reduction, flip_negative_dead)
    _check_positive(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    rows = feature_rows(features)
    batch_size = batch_size or min(4096, max(256, rows.shape[0] // 16))
    sae = SparseAutoencoder(_config(rows, expansion, k, topk_mode), seed)
    sae.mean.copy_(mean_input(sae, rows, batch_size))
    sae.to(device or team.device)
    share = partial(team.share, sae)
    data = Batches(rows, batch_size, sae.mean.device, seed, share)
    rate = learning_rate or 2e-4 / math.sqrt(sae.config.num_latents / 2**14)
    fit(sae, data, epochs, rate, revival, progress and team.process == 0, team)
    quality = measure(sae, rows, batch_size, team)
    sae.summary = TrainingSummary(
        rows.shape[0],
        epochs,
        epochs * len(data),
        time.perf_counter() - started,
        **quality.values(),
        unit_frequency=quality.unit_frequency(),
    )
    sae.origin = origin_of(features) if isinstance(features, Dataset) else None
    return sae


def fit(
    sae: SparseAutoencoder,
    data: Batches,
    epochs: int,
    learning_rate: float,
    revival: Revival,
    progress: bool,
    team: Team = ALONE,
) -> None:
    """Trains the model in place."""
    optimizer = torch.optim.Adam(sae.parameters(), learning_rate, fused=True)
    dead = DeadUnits(sae.config.num_latents, max(len(data), MIN_WINDOW), sae.mean.device)
    table = torch.empty(data.largest, sae.config.num_latents, device=sae.mean.device)
    bar = tqdm(total=epochs * len(data), desc="SAE", unit="batch", disable=not progress)
    with bar:
        for _ in range(epochs):
            quality = Fit(sae.config.num_latents, sae.mean.device)
            for features in data:
                share = team.share(sae, len(features))
                room = table[: len(share)]
                step(sae, optimizer, features, room, dead, revival, quality, share)
                bar.update()
            team.agree(sae)
            bar.set_postfix({name: f"{v:.3f}" for name, v in quality.values().items()})


def step(
    sae: SparseAutoencoder,
    optimizer: torch.optim.Optimizer,
    features: Float[Tensor, "b d"],
    table: Float[Tensor, "own units"],
    dead: DeadUnits,
    revival: Revival,
    quality: Fit,
    share: Share,
) -> None:
    """Takes one optimizer step on one batch of features."""
    inputs = sae.standardize(features)
    reviving = revival.weight > 0 and len(dead.indices) > 0
    codes = share.codes(sae, inputs, table, whole=reviving)
    if reviving and revival.flip and flip_negative(sae, table, dead.indices, share.highest):
        codes = share.codes(sae, inputs, table, whole=True)
    reconstruction = descend(sae, inputs, codes)
    if reviving:
        loss = revival.loss(sae, inputs, table, dead.indices, share.strongest)
        torch.autograd.backward(loss)
    optimizer.step()
    dead.observe(codes)
    quality.add(inputs, codes, reconstruction)


def descend(
    sae: SparseAutoencoder, inputs: Float[Tensor, "b d"], codes: SparseCodes
) -> Float[Tensor, "b d"]:
    """Sets the gradients of the mean squared error, and returns the reconstruction.

    The same as autograd's: each kept unit's row gets its item's input for what it adds to the
    code, and the error for what it adds to the reconstruction, in one sum.
    """
    values = codes.values.requires_grad_()
    decoded = weighted_rows(sae.weight.detach(), codes.indices, values)
    reconstruction = decoded.detach() + sae.decoder_bias.detach()
    slope = (reconstruction - inputs) * (2 / len(inputs))
    (of_codes,) = torch.autograd.grad(decoded, values, slope)
    values = values.detach()
    if sae.config.topk_mode == "relu":
        of_codes *= values > 0
    units = sae.config.num_latents
    sae.weight.grad = sums_by_unit(codes.indices, units, (of_codes, inputs), (values, slope))
    sae.encoder_bias.grad = torch.zeros_like(sae.encoder_bias).index_add_(
        0, codes.indices.flatten(), of_codes.flatten()
    )
    sae.decoder_bias.grad = slope.sum(0)
    return reconstruction


@torch.no_grad()
def measure(sae: SparseAutoencoder, rows: Rows, batch_size: int, team: Team = ALONE) -> Fit:
    """Returns how well the model fits all rows."""
    quality = Fit(sae.config.num_latents, sae.mean.device)
    for inputs, codes in encoded(sae, rows, batch_size, team):
        quality.add(inputs, codes, sae.decode(codes))
    return quality


def mean_input(sae: SparseAutoencoder, rows: Rows, batch_size: int) -> Float[Tensor, " d"]:
    """Returns the mean of all rows, scaled as the model scales them."""
    total = torch.zeros(rows.shape[1], dtype=torch.float64)
    for chunk in in_order(rows, batch_size):
        total += sae.standardize(chunk).double().sum(0)
    return (total / rows.shape[0]).float()


def _config(
    rows: Rows, expansion: int | None, k: int, topk_mode: TopKMode
) -> SparseAutoencoderConfig:
    items, dim = rows.shape
    if items < 2:
        raise ValueError(f"training needs at least two items, got {items}")
    if expansion is None:
        expansion = 16 if items >= MANY_ITEMS else 8
    _check_positive(expansion=expansion)
    return SparseAutoencoderConfig(dim, expansion * dim, k, topk_mode)


def _check_positive(**settings: float | None) -> None:
    for name, value in settings.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be above 0, got {value}")
