"""One modality's map from its encoder's features into the space that both modalities share."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hf_dynsel.features.adapter_config import Kind


@final
class Adapter(nn.Module):
    """A linear map, and for an MLP one hidden layer beside it, as wide as the shared space.

    The linear map starts as the identity, or between unlike dimensions as a random one with
    orthonormal rows or columns; what the hidden layer adds starts at zero.

    Args:
        kind: "linear" or "mlp".
        dim_in: dimension of the features.
        dim_out: dimension of the shared space.
        generator: of the random weights.
    """

    def __init__(self, kind: Kind, dim_in: int, dim_out: int, generator: torch.Generator) -> None:
        super().__init__()
        self.linear = _layer(_start(dim_in, dim_out, generator))
        self.hidden: nn.Sequential | None = None
        if kind == "mlp":
            # Inputs have unit length, so these give every hidden unit a variance of one.
            spread = torch.randn(dim_out, dim_in, generator=generator)
            nothing = torch.zeros(dim_out, dim_out)
            self.hidden = nn.Sequential(_layer(spread), nn.GELU(), _layer(nothing))

    def forward(self, features: Float[Tensor, "n d_in"]) -> Float[Tensor, "n d_out"]:
        """Returns where features lie in the shared space."""
        mapped: Tensor = self.linear(features)
        return mapped if self.hidden is None else mapped + self.hidden(features)


def shapes(kind: Kind, dim_in: int, dim_out: int) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of an adapter's tensors by name, without making it."""
    linear = {"linear.weight": (dim_out, dim_in), "linear.bias": (dim_out,)}
    if kind == "linear":
        return linear
    first = {"hidden.0.weight": (dim_out, dim_in), "hidden.0.bias": (dim_out,)}
    last = {"hidden.2.weight": (dim_out, dim_out), "hidden.2.bias": (dim_out,)}
    return linear | first | last


def _start(dim_in: int, dim_out: int, generator: torch.Generator) -> Float[Tensor, "d_out d_in"]:
    if dim_in == dim_out:
        return torch.eye(dim_in)
    weight = torch.empty(dim_out, dim_in)
    return nn.init.orthogonal_(weight, generator=generator)


def _layer(weight: Float[Tensor, "d_out d_in"]) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], device="meta")  # draws no random numbers
    layer = layer.to_empty(device=weight.device)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.zero_()
    return layer
