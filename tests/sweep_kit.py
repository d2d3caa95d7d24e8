"""A model whose features move, and data for the tests of looks."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import nn

from conftest import table


class Deep(nn.Module):
    """Features that move, and all that tells evaluation mode from training."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.body = nn.Sequential(
                nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3)
            )
            self.head = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, Any]:
        logits = self.head(self.body(x))
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


def scored(count: int) -> Dataset:
    consistency = np.random.default_rng(3).random(count, np.float32)
    return table(count).add_column("score_consistency", consistency)


class Noisy:
    """Adds noise to what it formats, as random crops do."""

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        x = torch.tensor(batch["x"])
        return {"x": x + torch.randn_like(x), "labels": torch.tensor(batch["labels"])}


def noisy(count: int) -> Dataset:
    return scored(count).with_format(None).with_transform(Noisy(), ["x", "labels"])
