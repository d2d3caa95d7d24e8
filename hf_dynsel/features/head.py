"""What a model's classifier head receives: its penultimate features."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jaxtyping import Float
from torch import Tensor, nn


@contextmanager
def head_inputs(model: nn.Module) -> Iterator[Callable[[], Float[Tensor, "b d"]]]:
    """Yields a function that, after each forward pass in the block, returns its features.

    The head is the last `nn.Linear` that the pass ran. The function raises ValueError if there
    was none, or if it received more than one vector per sample.
    """
    seen: list[Tensor] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[:] = [inputs[0]]

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        yield lambda: _one_vector_each(seen, type(model).__name__)
    finally:
        for hook in hooks:
            hook.remove()


def _one_vector_each(seen: list[Tensor], name: str) -> Float[Tensor, "b d"]:
    if not seen:
        raise ValueError(
            f"{name} runs no nn.Linear, so it has no head to take features from; use a model with "
            "a linear classifier"
        )
    if seen[-1].ndim != 2:
        raise ValueError(
            f"the last linear layer of {name} receives the shape {tuple(seen[-1].shape)}, not one "
            "vector per sample; use a model that pools before its head"
        )
    return seen[-1].float()
