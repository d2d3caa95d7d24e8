"""A linear model of small images that notes what it is given."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


class Seeing(nn.Module):
    """Three classes of images (3, 12, 12); the same weights each time."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(432, 3)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            self.linear.weight.normal_(0, 0.05, generator=generator)
            self.linear.bias.zero_()
        self.seen: list[tuple[bool, torch.Tensor, Any]] = []

    def forward(
        self, pixel_values: torch.Tensor, labels: torch.Tensor | None = None
    ) -> dict[str, Any]:
        self.seen.append((self.training, pixel_values, labels))
        logits = self.linear(pixel_values.flatten(1))
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}
