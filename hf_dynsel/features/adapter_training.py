"""Trains adapters between two frozen encoders on the features and labels of a dataset."""

import math
import time
from typing import get_args

import torch
from datasets import Dataset
from jaxtyping import Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from hf_dynsel.feature_rows import ColumnRows, in_order
from hf_dynsel.features.adapter_config import AdapterConfig, AdapterSummary, Kind
from hf_dynsel.features.class_texts import ClassTexts
from hf_dynsel.features.clip_adapter import LEAST_TEMPERATURE, Adapters
from hf_dynsel.features.contrastive import contrastive_loss
from hf_dynsel.features.pairing import class_numbers, features_encoder
from hf_dynsel.origin import origin_of

CHECKED_ROWS = 4096


def train_adapters(
    dataset: Dataset,
    texts: ClassTexts,
    *,
    kind: Kind = "linear",
    epochs: int = 15,
    batch_size: int = 512,
    learning_rate: float = 3e-4,
    weight_decay: float = 0.01,
    label: str = "label",
    seed: int = 0,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Adapters:
    """Returns adapters trained so that samples and the texts of their classes lie close.

    The same data and seed give the same weights on the same machine; global random numbers are
    neither used nor changed. Features are read batch by batch.

    Wrong labels are part of the training, and more steps than needed learn them by heart: small
    batches, many epochs and a high learning rate all make them look right. With fewer samples
    than feature dimensions, prefer a lower learning rate.

    Args:
        dataset: has a `features` column and a class column.
        texts: of the classes that the column declares, from `class_texts`.
        kind: of map, "linear" or "mlp".
        epochs: passes over the samples; 0 leaves the adapters untrained, to compare with.
        batch_size: samples per step, at most; a pass is cut into batches of nearly equal size.
        learning_rate: of AdamW at the start, from where it falls to zero as a cosine.
        weight_decay: of AdamW; the temperature has none.
        label: the class column, as the learner sees it.
        seed: of the initial weights and the order of the samples.
        device: where to train. None takes CUDA where there is one.
        progress: whether to show a bar with the loss of the last pass.

    Raises:
        ValueError: if a setting is out of range, a column is missing, the classes are not those
            of the texts, or a feature is NaN or infinite.

    Reference:
        Yang et al., "When Dynamic Data Selection Meets Data Augmentation", ICML 2025,
        arXiv 2505.03809: 15 epochs. The loss, the optimizer and the other numbers are ours; the
        temperature starts at CLIP's 0.07 and stays at or above CLIP's 0.01.
    """
    started = time.perf_counter()
    check_training(
        kind,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
    )
    labels = torch.from_numpy(class_numbers(dataset, label, texts.names))
    rows = finite_features(dataset)
    adapters = _untrained(dataset, texts, rows, kind, seed)
    adapters.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if epochs == 0:
        return adapters
    optimizer = _optimizer(adapters, learning_rate, weight_decay)
    steps = epochs * -(-len(labels) // batch_size)
    loss = _fit(adapters, optimizer, rows, labels, epochs, steps, progress)
    temperature = math.exp(-adapters.log_scale.item())
    seconds = time.perf_counter() - started
    adapters.summary = AdapterSummary(
        len(labels), epochs, steps, seconds, loss, temperature, texts.share_cut
    )
    return adapters


def check_training(kind: str = "linear", **numbers: float) -> None:
    """Raises ValueError if a setting of `train_adapters` is out of range."""
    if kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {get_args(Kind)}, got {kind!r}")
    for name, value in numbers.items():
        may_be_zero = name in ("epochs", "weight_decay")
        if not (math.isfinite(value) and (value > 0 or (may_be_zero and value == 0))):
            rule = "at least 0" if may_be_zero else "above 0"
            raise ValueError(f"{name} must be {rule}, got {value}")


def finite_features(dataset: Dataset) -> ColumnRows:
    """Returns a reader of the `features` column.

    Raises:
        ValueError: if there is no such column, or it holds NaN or an infinity; names the row.
    """
    rows = ColumnRows(dataset)
    for _ in in_order(rows, CHECKED_ROWS):
        pass
    return rows


def _untrained(
    dataset: Dataset, texts: ClassTexts, rows: ColumnRows, kind: Kind, seed: int
) -> Adapters:
    config = AdapterConfig(
        kind=kind,
        sample_dim=rows.shape[1],
        text_dim=texts.features.shape[1],
        classes=texts.names,
        words=texts.words,
        templates=texts.templates,
        sample_encoder=features_encoder(dataset),
        text_encoder=texts.encoder,
        seed=seed,
    )
    adapters = Adapters(config)
    adapters.origin = origin_of(dataset)
    adapters.class_texts.copy_(texts.features)
    return adapters


def _optimizer(adapters: Adapters, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    maps = [*adapters.samples.parameters(), *adapters.texts.parameters()]
    scale = {"params": [adapters.log_scale], "weight_decay": 0.0}
    groups = [{"params": maps, "weight_decay": weight_decay}, scale]
    return torch.optim.AdamW(groups, learning_rate, fused=True)


def _fit(
    adapters: Adapters,
    optimizer: torch.optim.AdamW,
    rows: ColumnRows,
    labels: Int[Tensor, " n"],
    epochs: int,
    steps: int,
    progress: bool,
) -> float:
    """Trains in place; returns the mean loss of the batches of the last pass."""
    generator = torch.Generator().manual_seed(adapters.config.seed)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    mean = math.nan
    with tqdm(total=steps, desc="adapters", unit="batch", disable=not progress) as bar:
        for _ in range(epochs):
            losses = []
            order = torch.randperm(len(labels), generator=generator)
            for items in order.tensor_split(steps // epochs):
                losses.append(_step(adapters, optimizer, rows.read(items.numpy()), labels[items]))
                schedule.step()
                bar.update()
            mean = torch.stack(losses).mean().item()
            bar.set_postfix(loss=f"{mean:.3f}")
    return mean


def _step(
    adapters: Adapters,
    optimizer: torch.optim.AdamW,
    features: Float[Tensor, "b d"],
    labels: Int[Tensor, " b"],
) -> Float[Tensor, ""]:
    device = adapters.class_texts.device
    samples, texts = adapters.adapt_samples(features.to(device)), adapters.adapt_classes()
    loss = contrastive_loss(samples, texts, labels.to(device), adapters.log_scale.exp())
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    optimizer.step()
    with torch.no_grad():
        adapters.log_scale.clamp_(max=-math.log(LEAST_TEMPERATURE))
    return loss.detach()
