"""The length of the gradient of each sample's own loss, over all trained weights."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

MOST_NUMBERS = 2**28  # of gradients at a time; 1 GiB

Loss = Callable[[Callable[..., Any], Mapping[str, Any]], Tensor]


def gradient_norms(model: nn.Module, inputs: Mapping[str, Any], loss: Loss) -> Float[Tensor, " b"]:
    """Returns the norm of each sample's gradient; other samples play no part in evaluation mode.

    As many samples go at a time as their gradients fit 1 GiB. A model that branches on values
    cannot be run so, and its samples go one by one.

    Args:
        model: in evaluation mode.
        inputs: a batch; tensors with one row per sample, and what all share.
        loss: maps a function that runs the model, and a batch of one sample, to its loss.
    """
    weights = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    tensors = {name: value for name, value in inputs.items() if isinstance(value, Tensor)}
    shared = {name: value for name, value in inputs.items() if name not in tensors}

    def norm(sample: Mapping[str, Tensor]) -> Tensor:
        one = {**shared, **{name: value[None] for name, value in sample.items()}}
        gradients = grad(lambda own: loss(partial(_run, model, own), one))(weights)
        squares = [part.float().square().sum() for part in gradients.values()]
        return torch.stack(squares).sum().sqrt()

    chunk = max(1, MOST_NUMBERS // sum(part.numel() for part in weights.values()))
    try:
        with sdpa_kernel(SDPBackend.MATH):  # the only attention that vmap runs as one
            norms: Tensor = vmap(norm, chunk_size=chunk)(tensors)
    except RuntimeError as error:
        if "vmap" not in str(error):
            raise
        rows = range(len(next(iter(tensors.values()))))
        norms = torch.stack([norm({n: value[row] for n, value in tensors.items()}) for row in rows])
    return norms


def _run(model: nn.Module, weights: Mapping[str, Tensor], /, **inputs: Any) -> Any:
    return functional_call(model, dict(weights), (), inputs)
