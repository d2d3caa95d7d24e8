"""Small models and data for the driver tests; nothing here touches the network or a GPU."""

import gc
import os
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import nn

from hf_dynsel.core import Feedback, Selection, Selector
from hub_kit import hub as hub


def pytest_terminal_summary(terminalreporter):
    """Says how many cases of the drivers agree, and how near hnsw comes to exact search."""
    passed = terminalreporter.stats.get("passed", [])
    found = [pair for report in passed for pair in report.user_properties]
    if counts := [count for name, count in found if name == "cases that agree"]:
        terminalreporter.write_line(f"{sum(counts)} cases agree over trainer, loop and simulator")
    for name, value in found:
        if "hnsw against exact" in name:
            terminalreporter.write_line(f"{name}: {value:.3f}")


@pytest.fixture(autouse=True, scope="session")
def quick_collections():
    """Every run starts with a garbage collection; what the imports made need not be searched."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


class Net(nn.Module):
    """A linear classifier on four features; the same weights each time."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            self.linear.weight.normal_(generator=generator)
            self.linear.bias.zero_()

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, Any]:
        logits = self.linear(x)
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


@dataclass
class Sized(Selector):
    """Trains on so many samples each epoch, drawn at random."""

    sizes: tuple[int, ...] = (24, 24, 24, 24)
    planned: bool = True

    def select(self, epoch: int) -> Selection:
        return Selection(self.rng(epoch).choice(self.pool.size, self.sizes[epoch], replace=False))

    def planned_size(self, epoch: int) -> int | None:
        return self.sizes[epoch] if self.planned else None


@dataclass
class LossDriven(Selector):
    """Trains on the two thirds with the largest last loss, with weights: every path at once."""

    losses: np.ndarray = field(init=False, repr=False)
    signals = frozenset({"loss"})

    def allocate(self) -> None:
        self.losses = np.full(self.pool.size, 9.0)

    def select(self, epoch: int) -> Selection:
        order = np.argsort(-self.losses, kind="stable")
        chosen = np.sort(order[: 2 * self.pool.size // 3])
        return Selection(chosen, np.where(chosen % 2 == 0, 1.0, 2.0))

    def observe(self, feedback: Feedback) -> None:
        self.losses[feedback.indices] = feedback.signals["loss"]


def rows(count: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(count, 4, generator=generator)
    return {"x": x.tolist(), "labels": [i % 3 for i in range(count)]}


def table(count: int) -> Dataset:
    return Dataset.from_dict(rows(count)).with_format("torch")
