"""The loss that a model computes itself, and what it has to be told for it."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hf_dynsel.distributed import total
from hf_dynsel.tasks import IGNORED, declares_shift


def own_loss(outputs: Any) -> Tensor:
    """Returns the loss among a model's outputs.

    Raises:
        TypeError: if there is none.
    """
    loss = outputs.get("loss") if isinstance(outputs, Mapping) else None
    if not isinstance(loss, Tensor):
        found = sorted(outputs) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise TypeError(
            f"the model returned no loss, but {found}: it must return a mapping with 'loss', as "
            "models of transformers do where the batch has 'labels'"
        )
    return loss


def target_count(model: nn.Module, batches: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    """Returns the keyword that models of transformers take, to return a mean over a whole step.

    It is the number of targets in all micro-batches and processes. Empty for models that return
    the mean over their micro-batch; which ones do, is told as `Trainer` does.

    Args:
        model: not wrapped for several processes.
        batches: the micro-batches of this process.
    """
    parameters = inspect.signature(model.forward).parameters.values()
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    if not getattr(model, "accepts_loss_kwargs", open_ended) or "labels" not in batches[0]:
        return {}
    first = int(declares_shift(model))
    counts = [batch["labels"][..., first:].ne(IGNORED).sum() for batch in batches]
    return {"num_items_in_batch": total(torch.stack(counts).sum())}
