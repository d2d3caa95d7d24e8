"""The kinds of supervised task: what a sample's loss is made of, and its signals."""

import inspect
from abc import ABC, abstractmethod
from typing import Any

import torch.nn.functional as F
from torch import Tensor
from transformers.loss.loss_utils import LOSS_MAPPING, ForCausalLMLoss

from hf_dynsel.signals import SIGNALS

IGNORED = -100  # the label of tokens that are no target, throughout transformers


class Task(ABC):
    """A kind of task; `logits` and `labels` are those of one batch of b samples."""

    @abstractmethod
    def total(self, logits: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
        """Returns the loss of each sample, summed over its own items, shape `(b,)`."""

    @abstractmethod
    def items(self, labels: Tensor) -> Tensor:
        """Returns how many items each sample's loss is a sum over, shape `(b,)`."""

    @abstractmethod
    def signal(self, name: str, logits: Tensor, labels: Tensor) -> Tensor:
        """Returns a signal other than the loss, shape `(b,)`."""


class Classes(Task):
    """One class for each sample, or for each of its tokens, of which it takes the mean.

    Args:
        shift: whether token t is predicted from those before it, as in causal language models.
    """

    def __init__(self, shift: bool = False) -> None:
        self.shift = shift

    def total(self, logits: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
        """Returns the cross-entropy of each sample, summed over its tokens."""
        logits, labels = self._aligned(logits, labels)
        losses = F.cross_entropy(
            logits.flatten(0, -2).float(),
            labels.flatten(),
            reduction="none",
            ignore_index=IGNORED,
            label_smoothing=label_smoothing,
        )
        return losses.view(len(labels), -1).sum(1)

    def items(self, labels: Tensor) -> Tensor:
        """Returns the number of tokens that are a target; one where there is one class."""
        if labels.ndim == 1:
            return labels.new_ones(len(labels))
        targets = labels[:, 1:] if self.shift else labels
        return targets.ne(IGNORED).flatten(1).sum(1)

    def signal(self, name: str, logits: Tensor, labels: Tensor) -> Tensor:
        """Returns the mean over a sample's own tokens."""
        logits, labels = self._aligned(logits, labels)
        values = SIGNALS[name](logits.flatten(0, -2), labels.flatten().clamp(min=0))
        own = labels.ne(IGNORED).view(len(labels), -1)
        return (values.view(len(labels), -1) * own).sum(1) / own.sum(1).clamp(min=1)

    def _aligned(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return (logits[:, :-1], labels[:, 1:]) if self.shift else (logits, labels)


class SoftClasses(Task):
    """A share of each class for each sample, as mixed ones have; labels are floats `(b, c)`."""

    def total(self, logits: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
        """Returns the cross-entropy of each sample with its shares."""
        return F.cross_entropy(
            logits.float(), labels, reduction="none", label_smoothing=label_smoothing
        )

    def items(self, labels: Tensor) -> Tensor:
        """Returns ones."""
        return labels.new_ones(len(labels))

    def signal(self, name: str, logits: Tensor, labels: Tensor) -> Tensor:
        """Returns the error's norm, with all shares; else the signal of the largest one's class."""
        if name == "el2n":
            error: Tensor = (logits.float().softmax(1) - labels).norm(dim=1)
            return error
        return SIGNALS[name](logits, labels.argmax(1))


class MultiLabel(Task):
    """Several yes-or-no labels for each sample; labels are floats of shape `(b, c)`."""

    def total(self, logits: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
        """Returns the binary cross-entropy of each sample, a mean over its labels."""
        losses = F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none")
        return losses.mean(1)

    def items(self, labels: Tensor) -> Tensor:
        """Returns ones."""
        return labels.new_ones(len(labels))

    def signal(self, name: str, logits: Tensor, labels: Tensor) -> Tensor:
        """Returns a signal over all labels: a sample is correct where each of them is."""
        logits = logits.float()
        margin = ((2 * labels - 1) * logits).amin(1)
        if name == "margin":
            return margin
        if name == "correct":
            return (margin > 0).float()
        chances = logits.sigmoid()
        if name == "el2n":
            error: Tensor = (chances - labels).norm(dim=1)
            return error
        return F.binary_cross_entropy_with_logits(logits, chances, reduction="none").mean(1)


class Regression(Task):
    """Numbers for each sample; the loss is the squared error, a mean over them."""

    def total(self, logits: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
        """Returns the mean squared error of each sample."""
        return self._error(logits, labels).square().mean(1)

    def items(self, labels: Tensor) -> Tensor:
        """Returns ones."""
        return labels.new_ones(len(labels))

    def signal(self, name: str, logits: Tensor, labels: Tensor) -> Tensor:
        """Returns the norm of the error, for "el2n".

        Raises:
            ValueError: for signals that only classes have.
        """
        if name != "el2n":
            raise ValueError(
                f"the signal '{name}' is one of classes, and this is a regression; a regression "
                "has 'loss' and 'el2n'. Choose a selector that learns from one of them"
            )
        norm: Tensor = self._error(logits, labels).norm(dim=1)
        return norm

    def _error(self, logits: Tensor, labels: Tensor) -> Tensor:
        return logits.float().view(len(labels), -1) - labels.view(len(labels), -1)


def task_of(
    logits: Tensor, labels: Tensor, shift: bool, problem_type: str | None, soft: bool = False
) -> Task:
    """Returns the task that a batch is of, by the rules of transformers.

    Args:
        logits: of the model.
        labels: of the batch.
        shift: whether the model predicts the next token.
        problem_type: what the model's configuration says, if anything.
        soft: whether float labels are shares of classes, which no shape tells.

    Raises:
        TypeError: if the shapes are those of no known task.
    """
    if soft:
        if logits.shape != labels.shape:
            raise TypeError(
                f"mixing made targets of the shape {tuple(labels.shape)}, and the model's logits "
                f"have {tuple(logits.shape)}; give mixing the model's num_classes"
            )
        return SoftClasses()
    if not labels.is_floating_point() and logits.ndim > 1 and logits.shape[:-1] == labels.shape:
        return Classes(shift and labels.ndim > 1)
    if labels.is_floating_point() and logits.numel() == labels.numel() and logits.ndim < 3:
        one = logits.ndim == 1 or logits.shape[1] == 1
        return Regression() if one or problem_type == "regression" else MultiLabel()
    raise TypeError(
        f"per-sample losses are known for classes, logits (b, c) and integer labels (b,); tokens, "
        "logits (b, t, c) and integer labels (b, t); several labels, logits and float labels (b, "
        "c); and regression. Got logits "
        f"{tuple(logits.shape)} and {labels.dtype} labels {tuple(labels.shape)}. Pass "
        "per_sample_loss=, a function of (outputs, labels) that returns one loss per sample"
    )


def shifts_labels(model: Any) -> bool:
    """Returns whether a model of transformers compares token t with its prediction at t - 1."""
    if declares_shift(model):
        return True
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    config, forward = getattr(inner, "config", None), inspect.unwrap(type(inner).forward)
    if "loss_function" not in forward.__code__.co_names:
        return False  # such as XLM, whose targets are not shifted
    # GPT-2 and others declare no loss, and fall back on the causal one.
    causal = getattr(inner, "loss_function", None) is ForCausalLMLoss
    return causal and not getattr(config, "is_encoder_decoder", False)


def declares_shift(model: Any) -> bool:
    """Returns whether a model's declared loss shifts labels, by which `Trainer` counts targets."""
    loss = LOSS_MAPPING.get(getattr(model, "loss_type", None))
    config = getattr(model, "config", None)
    return loss is ForCausalLMLoss and not getattr(config, "is_encoder_decoder", False)
