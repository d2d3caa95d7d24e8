"""Per-sample losses and signals from what a model returns, for classification."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from hf_dynsel.signals import SIGNALS

PerSampleLoss = Callable[[Any, Tensor], Tensor]


def classification_loss(outputs: Any, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Returns the cross-entropy of each sample, shape `(b,)`.

    Args:
        outputs: what the model returned, with `logits` of shape `(b, c)`.
        labels: integer classes, shape `(b,)`.
        label_smoothing: share of the target spread over all classes.

    Raises:
        TypeError: if logits and labels are not those of a classification.
    """
    logits = outputs["logits"]
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or labels.is_floating_point():
        raise TypeError(
            f"per-sample losses are known for classification, logits (b, c) and integer labels "
            f"(b,); got logits {tuple(logits.shape)} and {labels.dtype} labels "
            f"{tuple(labels.shape)}. Pass per_sample_loss=, a function of (outputs, labels) that "
            "returns one loss per sample"
        )
    return F.cross_entropy(
        logits.float(), labels, reduction="none", label_smoothing=label_smoothing
    )


def sample_losses(
    outputs: Any, labels: Tensor, own: PerSampleLoss | None, label_smoothing: float
) -> Tensor:
    """Returns the loss of each sample, by the user's own function if there is one.

    Raises:
        ValueError: if that function does not return one loss per sample.
    """
    if own is None:
        return classification_loss(outputs, labels, label_smoothing)
    losses = own(outputs, labels)
    if losses.shape != (len(labels),):
        raise ValueError(
            f"per_sample_loss returned shape {tuple(losses.shape)} for {len(labels)} samples; "
            "return one loss per sample"
        )
    return losses


def measure(
    names: Collection[str], outputs: Any, labels: Tensor, losses: Tensor
) -> Mapping[str, Tensor]:
    """Returns the signals a selector wants; "loss" is the training loss itself."""
    logits = outputs["logits"].detach()
    return {
        name: losses.detach() if name == "loss" else SIGNALS[name](logits, labels) for name in names
    }


def require_known(names: Collection[str]) -> None:
    """Raises ValueError unless training can report all of these signals."""
    if unknown := set(names) - SIGNALS.keys():
        raise ValueError(f"unknown signals {sorted(unknown)}; known are {sorted(SIGNALS)}")
