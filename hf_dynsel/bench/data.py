"""Decoded images against decoding every time, and training on them against a loop by hand."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from datasets import ClassLabel, Dataset, Features, Image
from torch.utils.data import DataLoader
from transformers import PrinterCallback, default_data_collator

from hf_dynsel.arguments import DynamicSelectionArguments
from hf_dynsel.bench.images import CLASSES, SIDE, class_names, network
from hf_dynsel.bench.quiet import QUIET
from hf_dynsel.bench.target import Target, paired, seconds, timed
from hf_dynsel.core import Selection
from hf_dynsel.data import DecodedImages, ImageTransform, decode_images
from hf_dynsel.data.crops import crop, mirror
from hf_dynsel.data.netpbm import image_column
from hf_dynsel.data.normalise import Normalise
from hf_dynsel.device_images import device_images
from hf_dynsel.indexed import INDEX
from hf_dynsel.selectors import FullData
from hf_dynsel.trainer import DynamicSelectionTrainer
from hf_dynsel.training_view import TrainingView

BATCH_SIZE, PADDING, RATE = 128, 2, 0.05
TRANSFORM = ImageTransform((0.5,), (0.25,), channels=1, crop_padding=PADDING, flip=True)


def bench_data(full: bool) -> Iterator[Target]:
    """Yields what it brings to decode once, and what is left between that and a loop by hand."""
    steps, turns = (30 if device().type == "cpu" else 1000, 7) if full else (2, 1)
    stored = stored_images(steps * BATCH_SIZE)
    with tempfile.TemporaryDirectory() as folder:
        decoded = decode_images(stored, TRANSFORM, cache_dir=folder, progress=False)
        found = paired(
            partial(load_all, decoded), partial(load_all, stored.with_transform(TRANSFORM)), turns
        )
        yield Target(
            "images per second of loading what was decoded once by those of decoding",
            1 / found.ratio,
            4.0,
            at_least=True,
            details=_per_second(len(stored), found.ours, "decoding", found.theirs),
        )
        trained = ByHand(decoded)
        found = timed(partial(train_all, decoded), trained.epoch, turns)
        yield Target(
            "images per second of training on decoded images by those of a loop by hand",
            1 / found.ratio,
            0.9,
            at_least=True,
            details=_per_second(len(stored), found.ours, "by hand", found.theirs)
            | {"network": architecture(), "device": str(device())},
        )


def stored_images(rows: int) -> Dataset:
    """Returns grey images of noise as files, in the format that is decoded fastest."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (rows, SIDE, SIDE), dtype=np.uint8)
    kinds = Features(image=Image(), label=ClassLabel(names=class_names()))
    labels = rng.integers(CLASSES, size=rows)
    return Dataset.from_dict({"image": image_column(images), "label": labels}, features=kinds)


def load_all(rows: Any) -> None:
    """Makes every batch of an epoch, as training does, up to the model."""
    count, images = len(rows), device_images(rows, 0, torch.device("cpu"))
    view = TrainingView(FullData(), count, 0, images=images)
    view.start(0, Selection(np.arange(count)))
    collate = view.collator(default_data_collator)
    for batch in DataLoader(view.dataset(rows), BATCH_SIZE, shuffle=True, collate_fn=collate):
        view.of_batch(batch, batch[INDEX])


def train_all(decoded: DecodedImages) -> float:
    """Returns the seconds of an epoch of training by the trainer's own clock."""
    with tempfile.TemporaryDirectory() as folder:
        on_gpu = device().type != "cpu"
        settings: dict[str, Any] = {
            **QUIET,
            "num_train_epochs": 1,
            "per_device_train_batch_size": BATCH_SIZE,
            "learning_rate": RATE,
            "optim": "sgd",
            "max_grad_norm": 0.0,
            "logging_nan_inf_filter": False,  # it waits for the device at every step
            "log_selections": False,
            "use_cpu": not on_gpu,
            "dataloader_pin_memory": on_gpu,
            "accelerator_config": {"non_blocking": on_gpu},
        }
        args = DynamicSelectionArguments(folder, **settings)
        trainer = DynamicSelectionTrainer(
            network(architecture()), args, train_dataset=decoded, selector=FullData()
        )
        trainer.remove_callback(PrinterCallback)
        runtime: float = trainer.train().metrics["train_runtime"]
        return runtime


@dataclass
class ByHand:
    """The same training as a person would write it, on images and labels that are on the device.

    Args:
        decoded: the images.
    """

    decoded: DecodedImages

    def epoch(self) -> float:
        """Returns the seconds of an epoch, from a new model on."""
        model = network(architecture()).to(device()).train()
        optimizer = torch.optim.SGD(model.parameters(), RATE)
        labels = self.decoded.raw.labels
        assert labels is not None, "made up above"
        given = self.decoded.images.tensor.to(device()), labels.to(device())
        return seconds(lambda: self._train(model, optimizer, *given))

    def _train(
        self,
        model: Any,
        optimizer: torch.optim.Optimizer,
        images: torch.Tensor,
        labels: torch.Tensor,
    ) -> None:
        normalise = Normalise(TRANSFORM.mean, TRANSFORM.std, device())
        for rows in torch.split(torch.randperm(len(images), device=device()), BATCH_SIZE):
            chosen = images.index_select(0, rows)
            corners = torch.randint(2 * PADDING + 1, (len(rows), 2), device=device())
            mirrored = torch.rand(len(rows), device=device()) < 0.5
            pixels = normalise(mirror(crop(chosen, PADDING, corners), mirrored))
            model(pixel_values=pixels, labels=labels.index_select(0, rows)).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        if torch.accelerator.is_available():
            torch.accelerator.synchronize()


def device() -> torch.device:
    """Returns what the trainer trains on."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def architecture() -> str:
    """Returns a network that is not too small for the device."""
    return "small_cnn" if device().type == "cpu" else "small_resnet18"


def _per_second(rows: int, ours: float, name: str, theirs: float) -> dict[str, Any]:
    return {
        "images": rows,
        "batch size": BATCH_SIZE,
        "ours, images per second": rows / ours,
        f"{name}, images per second": rows / theirs,
    }
