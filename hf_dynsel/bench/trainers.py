"""The trainer on all data against `transformers.Trainer`, with and without signals."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from datasets import Dataset
from transformers import PrinterCallback, Trainer, TrainingArguments

from hf_dynsel.arguments import DynamicSelectionArguments
from hf_dynsel.bench.images import made_up_images, network
from hf_dynsel.bench.quiet import QUIET
from hf_dynsel.bench.target import Target, timed
from hf_dynsel.core import Selector
from hf_dynsel.selectors import FullData
from hf_dynsel.trainer import DynamicSelectionTrainer

ARCHITECTURE, BATCH_SIZE = "small_cnn", 64


@dataclass
class Watched(FullData):
    """Trains on everything, and asks for the loss of each sample."""

    signals: ClassVar[frozenset[str]] = frozenset({"loss"})


def bench_trainers(full: bool) -> Iterator[Target]:
    """Yields the samples per second of all data, by those of `Trainer`."""
    steps, turns = (25, 21) if full else (3, 1)
    data = made_up_images(steps * BATCH_SIZE)
    for what, selector in (("no signals", FullData()), ("losses", Watched())):
        ours, theirs = partial(_seconds, data, selector), partial(_seconds, data, None)
        found = timed(ours, theirs, turns)
        yield Target(
            f"samples per second of FullData by those of Trainer, {what}",
            1 / found.ratio,
            0.98,
            at_least=True,
            details={
                "network": ARCHITECTURE,
                "steps": steps,
                "batch size": BATCH_SIZE,
                "ours, samples per second": len(data) / found.ours,
                "Trainer, samples per second": len(data) / found.theirs,
            },
        )


def _seconds(data: Dataset, selector: Selector | None) -> float:
    """Returns the seconds of a training by the trainer's own clock."""
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {
            **QUIET,
            "output_dir": folder,
            "num_train_epochs": 1,
            "per_device_train_batch_size": BATCH_SIZE,
        }
        model = network(ARCHITECTURE)
        if selector is None:
            trainer = Trainer(model, TrainingArguments(**settings), train_dataset=data)
        else:
            args = DynamicSelectionArguments(**settings)
            trainer = DynamicSelectionTrainer(model, args, train_dataset=data, selector=selector)
        trainer.remove_callback(PrinterCallback)
        runtime: float = trainer.train().metrics["train_runtime"]
        return runtime
