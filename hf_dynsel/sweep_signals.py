"""The signals that a sweep has beside those of training, for one class per sample."""

from collections.abc import Callable, Collection
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hf_dynsel.per_sample import logits_of

FEATURES, ERROR, PROBABILITIES, GAP = "features", "error", "probabilities", "gap"
GRAND, GRAND_EXACT = "grand", "grand_exact"
OF_SWEEPS = frozenset({FEATURES, ERROR, PROBABILITIES, GAP, GRAND, GRAND_EXACT})

Features = Float[Tensor, "b d"]
Classes = Float[Tensor, "b c"]
Labels = Int[Tensor, " b"]
PerSample = Float[Tensor, " b"]


def read_off(
    wanted: Collection[str], outputs: Any, labels: Any, features: Callable[[], Features]
) -> dict[str, Tensor]:
    """Returns those of the signals that one forward pass gives.

    Args:
        wanted: names; those that are no signals of ours are left out.
        outputs: of the model.
        labels: of the batch.
        features: what the classifier head received.

    Raises:
        ValueError: if there is not one class per sample.
    """
    readers: dict[str, Callable[[], Tensor]] = {
        FEATURES: features,
        ERROR: lambda: error(_logits(ERROR, outputs, labels), labels),
        PROBABILITIES: lambda: _logits(PROBABILITIES, outputs, labels).softmax(1),
        GAP: lambda: gap(_logits(GAP, outputs, labels)),
        GRAND: lambda: last_layer_norm(error(_logits(GRAND, outputs, labels), labels), features()),
    }
    if GRAND_EXACT in wanted:
        _logits(GRAND_EXACT, outputs, labels)
    return {name: read() for name, read in readers.items() if name in wanted}


def error(logits: Classes, labels: Labels) -> Classes:
    """Returns the predicted probabilities minus the one-hot label, the gradient of the logits."""
    ones = torch.ones_like(labels, dtype=logits.dtype)[:, None]
    return logits.softmax(1).scatter_add_(1, labels[:, None], -ones)


def gap(logits: Classes) -> PerSample:
    """Returns the largest probability minus the second; one where there is a single class."""
    largest = logits.softmax(1).topk(min(2, logits.shape[1]), dim=1).values
    ahead: Tensor = largest[:, 0] - largest[:, 1:].sum(1)
    return ahead


def last_layer_norm(error: Classes, features: Features) -> PerSample:
    """Returns the length of the gradient of a linear head and its bias."""
    norm: Tensor = error.norm(dim=1) * (1 + features.square().sum(1)).sqrt()
    return norm


def _logits(signal: str, outputs: Any, labels: Any) -> Classes:
    logits = logits_of(outputs).float()
    if logits.ndim != 2 or not isinstance(labels, Tensor) or labels.ndim != 1:
        shape = tuple(labels.shape) if isinstance(labels, Tensor) else type(labels).__name__
        raise ValueError(
            f"the signal '{signal}' needs one class per sample; logits have the shape "
            f"{tuple(logits.shape)} and labels {shape}"
        )
    return logits
