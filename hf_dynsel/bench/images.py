"""Made-up images that are in memory, and a small network: what a step of training costs."""

import time
from collections.abc import Iterable, Mapping
from statistics import median

import torch
from datasets import Array3D, ClassLabel, Dataset, Features
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from hf_dynsel.models import image_classifier

CLASSES, SIDE = 10, 28


def made_up_images(rows: int) -> Dataset:
    """Returns grey images of noise and random labels, as tensors that nothing decodes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(rows, 1, SIDE, SIDE, generator=generator)
    labels = torch.randint(CLASSES, (rows,), generator=generator)
    return in_memory(images, labels)


def in_memory(images: Float[Tensor, "n c h w"], labels: Int[Tensor, " n"]) -> Dataset:
    """Returns images of these classes as rows of tensors that nothing decodes."""
    kinds = Features(
        {
            "pixel_values": Array3D(tuple(images.shape[1:]), "float32"),
            "labels": ClassLabel(names=class_names()),
        }
    )
    columns = {"pixel_values": images.numpy(), "labels": labels.numpy()}
    return Dataset.from_dict(columns, kinds).with_format("torch")


def class_names() -> list[str]:
    """Returns the names of the classes."""
    return [f"class {number}" for number in range(CLASSES)]


def network(architecture: str, seed: int = 0) -> PreTrainedModel:
    """Returns a classifier of these images."""
    return image_classifier(architecture, label_names=class_names(), in_chans=1, seed=seed)


def step_seconds(architecture: str, batch_size: int, steps: int) -> float:
    """Returns the median seconds of a training step: forward, backward and optimizer."""
    batch = made_up_images(batch_size)[:]
    return median(train_on(network(architecture), [batch] * (steps + 1))[1:])


def train_on(model: PreTrainedModel, batches: Iterable[Mapping[str, Tensor]]) -> list[float]:
    """Trains a network by SGD, one step a batch, and returns the seconds of each step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    model.train()
    found = []
    for batch in batches:
        start = time.perf_counter()
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        found.append(time.perf_counter() - start)
    return found
