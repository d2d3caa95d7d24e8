"""Per-sample signals of classification: (logits, labels) to one value per sample."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

Logits = Float[Tensor, "b c"]
Labels = Int[Tensor, " b"]
PerSample = Float[Tensor, " b"]


def loss(logits: Logits, labels: Labels) -> PerSample:
    """Returns the cross-entropy, in nats."""
    return F.cross_entropy(logits.float(), labels, reduction="none")


def margin(logits: Logits, labels: Labels) -> PerSample:
    """Returns the label's logit minus the largest other one; positive where correct.

    Of a single class it is zero.
    """
    logits = logits.float()
    if logits.shape[1] == 1:
        return torch.zeros_like(logits[:, 0])
    own = logits.gather(1, labels[:, None]).squeeze(1)
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return own - others.amax(1)


def entropy(logits: Logits, labels: Labels) -> PerSample:
    """Returns the entropy of the predicted distribution, in nats."""
    return -(logits.float().log_softmax(1) * logits.float().softmax(1)).sum(1)


def el2n(logits: Logits, labels: Labels) -> PerSample:
    """Returns the norm of the error, predicted probabilities minus the one-hot label.

    Reference:
        Paul et al., "Deep Learning on a Data Diet", NeurIPS 2021, section 2.
    """
    ones = torch.ones_like(labels, dtype=torch.float32)[:, None]
    # No one-hot matrix: with a vocabulary of 100,000 it would be eight bytes for every logit.
    error = logits.float().softmax(1).scatter_add_(1, labels[:, None], -ones)
    norm: Tensor = error.norm(dim=1)
    return norm


def correct(logits: Logits, labels: Labels) -> PerSample:
    """Returns one where the largest logit is the label's, else zero."""
    return (logits.argmax(1) == labels).float()


SIGNALS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "loss": loss,
    "margin": margin,
    "entropy": entropy,
    "el2n": el2n,
    "correct": correct,
}
