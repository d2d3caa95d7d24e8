"""What a model's classifier head receives: its penultimate features."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


@contextmanager
def head_inputs(model: nn.Module) -> Iterator[Callable[[], Float[Tensor, "b d"]]]:
    """Yields a function that, after each forward pass in the block, returns its features.

    The head is the last `nn.Linear` that the pass ran; one that an adapter such as LoRA wraps
    counts as a whole. The function raises ValueError if there was none, or if it received more
    than one vector per sample.
    """
    seen: list[Any] = []

    def note(layer: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        seen[:] = [*inputs, *named.values()][:1]

    hooks = [
        layer.register_forward_pre_hook(note, with_kwargs=True) for layer in _linear_layers(model)
    ]
    try:
        yield lambda: _one_vector_each(seen, type(model).__name__)
    finally:
        for hook in hooks:
            hook.remove()


def _linear_layers(model: nn.Module) -> list[nn.Module]:
    """Returns the linear layers; of one that PEFT wraps, the wrapper and nothing inside it."""
    wrappers = {
        layer: layer.base_layer for layer in model.modules() if hasattr(layer, "base_layer")
    }
    inside = {part for wrapper in wrappers for part in wrapper.modules() if part is not wrapper}
    return [
        layer
        for layer in model.modules()
        if layer not in inside and isinstance(wrappers.get(layer, layer), nn.Linear)
    ]


def _one_vector_each(seen: list[Any], name: str) -> Float[Tensor, "b d"]:
    if not seen:
        raise ValueError(
            f"{name} runs no nn.Linear, so it has no head to take features from; use a model with "
            "a linear classifier"
        )
    if seen[0].ndim != 2:
        raise ValueError(
            f"the last linear layer of {name} receives the shape {tuple(seen[0].shape)}, not one "
            "vector per sample; use a model that pools before its head"
        )
    # A copy: what a head receives is often a view of the states of all tokens.
    features: Tensor = seen[0].to(torch.float32, copy=True)
    return features
