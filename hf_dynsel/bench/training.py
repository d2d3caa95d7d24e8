"""Trains a small network for a few steps: what a step costs, and real features of two moments."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from datasets import Dataset
from jaxtyping import Float
from torch import Tensor, nn

from hf_dynsel.bench.images import train_on
from hf_dynsel.data import ImageTransform
from hf_dynsel.features import TrainedModel
from hf_dynsel.features.frozen import frozen
from hf_dynsel.models import image_classifier
from hf_dynsel.scores.density import unit

BATCH_SIZE = 128


@dataclass(frozen=True)
class Training:
    """What a short training showed.

    Args:
        early: features of length one after half of the steps.
        late: the same at the end.
        seconds_per_row: of training, by the median step: forward, backward and optimizer, on
            images that are in memory already.
        seconds_per_swept_row: of a forward pass in eval mode.
    """

    early: Float[np.ndarray, "n d"]
    late: Float[np.ndarray, "n d"]
    seconds_per_row: float
    seconds_per_swept_row: float


def train_briefly(dataset: Dataset, architecture: str, steps: int, seed: int) -> Training:
    """Returns what a few steps of SGD on the images of a dataset showed.

    Args:
        dataset: has `image` and `label`; images are read in grey.
        architecture: a name that timm knows.
        steps: batches of 128.
        seed: of the weights and the batches.
    """
    rows = ImageTransform(channels=1)(dataset[:])
    model = image_classifier(
        architecture, label_names=dataset.features["label"].names, in_chans=1, seed=seed
    )
    generator = torch.Generator().manual_seed(seed)
    halves = steps - steps // 2, steps // 2
    first = train_on(model, _batches(rows, halves[0], generator))
    early, _ = _features(model, rows["pixel_values"])
    second = train_on(model, _batches(rows, halves[1], generator))
    late, swept = _features(model, rows["pixel_values"])
    return Training(early, late, float(np.median(first + second)) / BATCH_SIZE, swept)


def _batches(
    rows: dict[str, Tensor], steps: int, generator: torch.Generator
) -> Iterator[dict[str, Tensor]]:
    for _ in range(steps):
        chosen = torch.randint(len(rows["labels"]), (BATCH_SIZE,), generator=generator)
        yield {name: values[chosen] for name, values in rows.items()}


def _features(model: nn.Module, images: Tensor) -> tuple[Float[np.ndarray, "n d"], float]:
    """Returns features of length one, and the seconds per image."""
    backbone = TrainedModel(model, collate_fn=lambda rows: {})
    start = time.perf_counter()
    with frozen(model):
        found = [backbone.encode({"pixel_values": batch}) for batch in torch.split(images, 512)]
    seconds = (time.perf_counter() - start) / len(images)
    return unit(torch.cat(found).numpy()), seconds
