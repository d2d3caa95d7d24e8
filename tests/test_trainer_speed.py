"""What makes training fast changes nothing without signals, and next to nothing with them."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._dynamo.utils import counters
from transformers import TrainerCallback

from augment_kit import Pictures
from behaviour_kit import orders
from conftest import LossDriven
from hf_dynsel import Feedback, Pool
from hf_dynsel.selectors import FullData, SelectiveBackprop
from precision_kit import assert_same_weights
from trainer_kit import PlainTrainer, RecordingTrainer, arguments

SIZE = 22  # five batches of 4 and one of 2


class Filters(nn.Module):
    """A convolution and a batch norm: what half precision, layouts and compilers act on."""

    def __init__(self, layout: torch.memory_format) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(3, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.linear = nn.Linear(8, 3)
        self.to(memory_format=layout)

    def forward(self, pixel_values, labels=None):
        logits = self.linear(F.relu(self.norm(self.convolution(pixel_values))).mean((2, 3)))
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


@dataclass
class Watching(FullData):
    """Trains on everything, and keeps what each epoch reported."""

    seen: list[Feedback] = field(init=False, repr=False)
    signals: ClassVar[frozenset[str]] = frozenset({"loss", "el2n"})

    def allocate(self) -> None:
        self.seen = []

    def observe(self, feedback: Feedback) -> None:
        self.seen.append(feedback)


def run(folder, selector=None, layout=torch.contiguous_format, callbacks=None, **settings):
    """Our trainer after two epochs of SGD, or with no selector the one of transformers."""
    settings = {"num_train_epochs": 2, "learning_rate": 0.01} | settings
    given = {"selector": selector, "pool": Pool(SIZE)} if selector else {"orders": orders(SIZE)}
    trainer = (RecordingTrainer if selector else PlainTrainer)(
        model=Filters(layout),
        args=arguments(folder, **settings),
        train_dataset=Pictures(SIZE),
        callbacks=callbacks,
        **given,
    )
    trainer.train()
    return trainer


LAST = {"layout": torch.channels_last}
FUSED = {"optim": "adamw_torch_fused"}
FAST = {
    "bf16": {"bf16": True},
    "channels_last": LAST,
    "fused": FUSED,
    "all": {"bf16": True} | LAST | FUSED,
}


@pytest.mark.parametrize("selector", [FullData(), Watching()], ids=["no_signals", "signals"])
@pytest.mark.parametrize("name", FAST)
def test_all_the_data_trains_to_the_very_weights_of_the_trainer(name, selector, tmp_path):
    """Also where the loss is our own mean over the samples: a sum is halved exactly."""
    ours, plain = (run(tmp_path, chosen, **FAST[name]) for chosen in (selector, None))
    assert_same_weights(ours.model, plain.model, rtol=0, atol=0)


def test_signals_are_in_full_precision_and_near_those_of_it(tmp_path):
    """A logit of about one rounds by 2^-9; so does each of the two layers before it."""
    half, single = (run(tmp_path, Watching(), bf16=wanted).selector for wanted in (True, False))
    for found, wanted in zip(half.seen, single.seen, strict=True):
        for name, values in wanted.signals.items():
            assert found.signals[name].dtype == np.float32
            np.testing.assert_allclose(found.signals[name], values, atol=2.0**-6)
            assert not np.array_equal(found.signals[name], values)


SELECTORS = {"weights": LossDriven, "in_batch": SelectiveBackprop}
SAME = {
    "channels_last": (LAST, {}, 1e-6),
    "fused": (FUSED, {"optim": "adamw_torch"}, 1e-6),
    "bf16": ({"bf16": True}, {}, 2.0**-10),  # a quarter of the unit, for statistics up to one
}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("kind", SELECTORS)
def test_weighted_training_is_that_of_the_plain_settings(kind, name, tmp_path):
    fast, plain, apart = SAME[name]
    first, second = (run(tmp_path, SELECTORS[kind](), **settings) for settings in (fast, plain))
    assert first.trained == second.trained
    assert first.sampler.usage.tolist() == second.sampler.usage.tolist()
    assert_same_weights(first.model, second.model, rtol=0, atol=apart)


# ---- Compiled models


class Graphs(TrainerCallback):
    """Notes how many graphs were compiled by the end of each epoch."""

    def __init__(self) -> None:
        torch._dynamo.reset()
        counters.clear()
        self.counts: list[int] = []

    def on_epoch_end(self, *args, **kwargs):
        self.counts.append(counters["stats"]["unique_graphs"])


def compiled(folder, selector=None, backend="eager"):
    graphs = Graphs()
    settings = {"torch_compile": True, "torch_compile_backend": backend, "num_train_epochs": 4}
    trainer = run(folder, selector, callbacks=[graphs], **settings)
    assert graphs.counts[0] > 0
    return trainer, graphs.counts


@pytest.mark.parametrize("kind", SELECTORS)
def test_changing_weights_and_rows_compiles_nothing_again(kind, tmp_path):
    """Sizes of batches do, once: then the graph is for any size."""
    _, counts = compiled(tmp_path, SELECTORS[kind]())
    assert counts[1:] == counts[1:2] * 3
    assert not counters["graph_break"] and not counters["recompile_limit"]


def test_signals_compile_as_much_as_the_trainer(tmp_path):
    assert compiled(tmp_path, Watching())[1] == compiled(tmp_path)[1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", SELECTORS)
def test_compiled_to_machine_code_it_trains_to_nearly_the_same_weights(kind, tmp_path):
    fast, _ = compiled(tmp_path, SELECTORS[kind](), "inductor")
    plain = run(tmp_path, SELECTORS[kind](), num_train_epochs=4)
    assert fast.trained == plain.trained
    assert_same_weights(fast.model, plain.model, rtol=0, atol=1e-6)
