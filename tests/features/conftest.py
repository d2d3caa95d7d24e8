import weakref
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch import Tensor, nn

from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.columns import only_column
from unchecked_kit import unchecked as unchecked


def stack_x(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    return {"x": torch.tensor([float(row["x"]) for row in rows])}


@dataclass
class Toy(Backbone):
    """Encodes x as (weight * x, x + 1), and counts how it is used."""

    weight: float = 1.0
    fail_at: int | None = None
    calls: int = 0
    prepared: int = 0
    alive: weakref.WeakSet[Tensor] = field(default_factory=weakref.WeakSet)
    most_alive: int = 0
    dim: int = 2
    module = nn.Identity()
    collate = staticmethod(stack_x)

    def view(self, dataset: Dataset) -> Dataset:
        return only_column(dataset, "x")

    def prepare(self, dataset: Dataset) -> None:
        self.prepared += 1

    def identity(self) -> dict[str, Any]:
        return {"backbone": "Toy", "weight": self.weight}

    def encode(self, batch: dict[str, Tensor]) -> Tensor:
        if self.calls == self.fail_at:
            raise KeyboardInterrupt
        self.calls += 1
        x = batch["x"]
        features = torch.stack([self.weight * x, x + 1], dim=1)
        self.alive.add(features)
        self.most_alive = max(self.most_alive, len(self.alive))
        return features


@pytest.fixture
def toy() -> type[Toy]:
    return Toy


@pytest.fixture
def numbers() -> Dataset:
    """Ten rows: x from 0 to 9, and a label."""
    return Dataset.from_dict({"x": list(range(10)), "label": [0, 1] * 5}, split="train")
