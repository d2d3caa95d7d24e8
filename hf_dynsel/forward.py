"""What a model returned while a trainer computed its own loss."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


def with_outputs(
    compute_loss: Callable[..., Any], model: nn.Module, num_items_in_batch: Any
) -> Callable[[dict[str, Any]], tuple[Any, Any]]:
    """Returns a function from inputs to the outputs of the model and the loss of a trainer."""

    def forward(inputs: dict[str, Any]) -> tuple[Any, Any]:
        with outputs_of(model) as seen:
            own = compute_loss(model, inputs, False, num_items_in_batch)
        return seen[0], own

    return forward


@contextmanager
def outputs_of(model: nn.Module) -> Iterator[list[Any]]:
    """Yields a list that gets what the model returns, with its gradients.

    What `compute_loss` returns as outputs may be of another forward pass: TRL's `SFTTrainer` makes
    a second one, without gradients.

    Raises:
        TypeError: if the model was not called.
    """
    seen: list[Any] = []
    hook = model.register_forward_hook(lambda module, inputs, outputs: seen.append(outputs))
    try:
        yield seen
    finally:
        hook.remove()
    if not seen:
        raise TypeError(
            "the trainer's compute_loss did not call the model it was given, so the losses of its "
            "samples cannot be seen; choose a selector that neither weighs samples nor learns "
            "from signals"
        )
