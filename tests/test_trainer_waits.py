"""No step waits for the device: the steps run on PyTorch's "meta", which has no numbers to give."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import nn
from torch.utils._pytree import tree_map_only
from transformers import Trainer

import hf_dynsel.sampler
from augment_kit import MEAN, STD, Marking, Pictures
from conftest import LossDriven
from hf_dynsel import DynamicSelectionTrainer, Mixing, Pool, TrivialAugmentWide
from hf_dynsel.selectors import FullData, SelectiveBackprop
from hf_dynsel.signals import SIGNALS
from image_kit import Seeing
from trainer_kit import arguments

SIZE = 24
META = torch.device("meta")


@dataclass
class Watching(FullData):
    """Asks for all that training can report."""

    signals: ClassVar[frozenset[str]] = frozenset(SIGNALS)


FAMILIES: dict[str, dict[str, Any]] = {
    "no_signals": {"selector": FullData()},
    "signals": {"selector": Watching()},
    "weights": {"selector": LossDriven()},
    "mixed": {"selector": Watching(), "mixing": Mixing(3, mixup_alpha=1.0)},
    "augmented": {
        "selector": Marking(),
        "augment": TrivialAugmentWide(MEAN, STD, on_device=True),
    },
}


def trained(folder, model=None, data=None, **given):
    """Trained on the host, where the first batch is looked at: its loss, and its pixels."""
    steps = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 2}
    args = arguments(folder, num_train_epochs=1, **steps)
    cls = DynamicSelectionTrainer if given else Trainer
    pool = {"pool": Pool(SIZE)} if given else {}
    trainer = cls(model or Seeing(), args, train_dataset=data or Pictures(SIZE), **given, **pool)
    trainer.train()
    return trainer


def step_on_meta(trainer, monkeypatch):
    """Takes one step of two micro-batches where no tensor can be read."""
    monkeypatch.setattr(trainer, "_prepare_inputs", lambda inputs: inputs)
    if isinstance(trainer, DynamicSelectionTrainer):
        trainer.progress.batches = 0
    on_host = list(trainer.get_train_dataloader())[:2]
    sent = tree_map_only(torch.Tensor, lambda own: own.to(META), on_host)
    model = trainer.model.to(META)
    model.zero_grad()
    batches, items = trainer.get_batch_samples(iter(sent), 2, META)
    for inputs in batches:
        assert trainer.training_step(model, inputs, items).is_meta
    assert all(parameter.grad.is_meta for parameter in model.parameters())


@pytest.mark.parametrize(
    "read",
    [
        lambda loss: loss.mean().item(),
        lambda loss: bool(loss.any()),
        lambda loss: loss.cpu(),
        lambda loss: loss.to("cpu", non_blocking=True),
        lambda loss: loss.tolist(),
        lambda loss: loss.numpy(),
        lambda loss: torch.nonzero(loss),
        lambda loss: loss[loss > 0],
        lambda loss: torch.unique(loss),
        lambda loss: torch.equal(loss, loss),
    ],
)
def test_whatever_waits_for_a_device_fails_there(read):
    with pytest.raises((RuntimeError, NotImplementedError, TypeError)):
        read(torch.zeros(3, device=META))


@pytest.mark.parametrize("name", FAMILIES)
def test_no_step_waits_for_the_device(name, tmp_path, monkeypatch):
    step_on_meta(trained(tmp_path, **FAMILIES[name]), monkeypatch)


def test_a_step_of_the_trainer_does_not_wait_either(tmp_path, monkeypatch):
    step_on_meta(trained(tmp_path), monkeypatch)


class Tagger(nn.Module):
    """Three classes for each token; a model of transformers would look at its mask."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(20, 3)

    def forward(self, input_ids, labels=None):
        logits = self.table(input_ids)
        return {"loss": F.cross_entropy(logits.flatten(0, 1), labels.flatten()), "logits": logits}


def test_counting_tokens_does_not_wait(tmp_path, monkeypatch):
    """The loss of a micro-batch is divided by the tokens of the whole step."""
    tokens = np.arange(SIZE * 6).reshape(SIZE, 6) % 20
    targets = np.where(np.arange(6) >= np.arange(SIZE)[:, None] % 5, tokens % 3, -100)
    data = Dataset.from_dict({"input_ids": tokens, "labels": targets})
    step_on_meta(trained(tmp_path, Tagger(), data, selector=LossDriven()), monkeypatch)


def test_a_selector_that_weighs_batches_waits_once_for_each(tmp_path, monkeypatch):
    """It decides on the host; the stub has the only numbers that there are."""
    trainer = trained(tmp_path, selector=SelectiveBackprop())
    waits = []

    def host(indices, signals):
        waits.append(len(indices))
        losses = torch.linspace(0, 1, len(indices))
        return torch.arange(len(indices)), dict.fromkeys(signals, losses)

    monkeypatch.setattr(hf_dynsel.sampler, "_on_host", host)
    step_on_meta(trainer, monkeypatch)
    assert waits == [8, 8]
