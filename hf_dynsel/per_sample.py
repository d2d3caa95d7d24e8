"""Per-sample losses and signals from what a model returns."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hf_dynsel.signals import SIGNALS
from hf_dynsel.tasks import Classes, Task, shifts_labels, task_of

PerSampleLoss = Callable[[Any, Any], Tensor]

REMEDY = (
    "Pass per_sample_loss=, a function of (outputs, labels) that returns one loss per sample, or "
    "choose a selector that neither weighs samples nor learns from signals"
)


FUSED = {"entropy": "entropy", "correct": "is_top1"}  # our names of what TRL's head computes


class SampleLosses(NamedTuple):
    """The losses of a batch: sums over each sample's own items, and how many those are."""

    total: Tensor
    items: Tensor

    def means(self) -> Tensor:
        """Returns each sample's mean; zero for a sample without items."""
        return self.total / self.items.clamp(min=1)


class PerSample:
    """Reads per-sample losses and signals off a model's outputs.

    Args:
        model: it says whether its labels are shifted, and of what type its problem is.
        signals: what the selector wants reported.
        own: the user's function of (outputs, labels), whose mean over samples is the loss. By
            default the loss is the task's own, the mean over classes, tokens or numbers.
        label_smoothing: share of the target spread over all classes.
        soft: whether labels are shares of classes. The model then gets none of them: it would
            take them for several labels.

    Raises:
        ValueError: if training cannot report one of the signals.
    """

    def __init__(
        self,
        model: Any,
        signals: Collection[str],
        own: PerSampleLoss | None = None,
        label_smoothing: float = 0.0,
        soft: bool = False,
    ) -> None:
        require_known(signals)
        if own is not None and label_smoothing:
            raise ValueError(
                f"label_smoothing_factor={label_smoothing} does nothing to per_sample_loss, a loss "
                "of your own; smooth the labels in it, and set label_smoothing_factor=0"
            )
        self.model, self.names, self.own = model, signals, own
        self.label_smoothing, self.soft = label_smoothing, soft
        self.shift = shifts_labels(model)

    def for_model(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the part of a batch that the model is called with."""
        return {name: value for name, value in inputs.items() if not self.soft or name != "labels"}

    def items(self, labels: Any) -> Tensor | None:
        """Returns the items of each sample before the model ran; None where each has one."""
        counted = self.own is None and isinstance(labels, Tensor)
        if not counted or labels.ndim == 1 or labels.is_floating_point():
            return None
        return Classes(self.shift).items(labels)

    def losses(self, outputs: Any, labels: Any, samples: int) -> SampleLosses:
        """Returns the loss of each of so many samples, in full precision.

        Raises:
            TypeError: if there are no labels or logits to compute it from, or of unknown shapes.
            ValueError: if the user's function does not return one loss per sample.
        """
        if self.own is None and _is_fused(outputs):
            return SampleLosses(-outputs["log_probs"].float().sum(1), outputs["label_mask"].sum(1))
        if self.own is None:
            logits = logits_of(outputs)
            task = self._task(logits, labels)
            total = task.total(logits, labels, self.label_smoothing)
            return SampleLosses(total, task.items(labels))
        losses = self.own(outputs, labels)
        if losses.shape != (samples,):
            raise ValueError(
                f"per_sample_loss returned shape {tuple(losses.shape)} for {samples} samples; "
                "return one loss per sample"
            )
        return SampleLosses(losses, torch.ones_like(losses))

    def signals(self, outputs: Any, labels: Any, losses: SampleLosses) -> Mapping[str, Tensor]:
        """Returns the signals the selector wants; "loss" is the training loss itself."""
        with torch.no_grad():
            return {
                name: losses.means() if name == "loss" else self._signal(name, outputs, labels)
                for name in self.names
            }

    def _signal(self, name: str, outputs: Any, labels: Any) -> Tensor:
        if _is_fused(outputs):
            return _fused_signal(name, outputs)
        logits = logits_of(outputs).detach()
        return self._task(logits, labels).signal(name, logits, labels)

    def _task(self, logits: Tensor, labels: Any) -> Task:
        if not isinstance(labels, Tensor):
            found = "none" if labels is None else f"the columns {sorted(labels)}"
            raise TypeError(
                f"per-sample losses are computed from 'labels', and the batch has {found}. {REMEDY}"
            )
        config = getattr(self.model, "config", None)
        problem_type = getattr(config, "problem_type", None)
        return task_of(logits, labels, self.shift, problem_type, self.soft)


def _is_fused(outputs: Any) -> bool:
    """Returns whether a model has TRL's head: log-probabilities of the labels, and no logits."""
    return isinstance(outputs, Mapping) and "log_probs" in outputs


def _fused_signal(name: str, outputs: Any) -> Tensor:
    if name not in FUSED:
        raise ValueError(
            f"the signal '{name}' is computed from logits, and SFTTrainer never makes them; it "
            f"has 'loss', {', '.join(map(repr, FUSED))}. Choose a selector that learns from these"
        )
    mean: Tensor = outputs[FUSED[name]].float().sum(1) / outputs["label_mask"].sum(1).clamp(min=1)
    return mean


def logits_of(outputs: Any) -> Tensor:
    """Returns a model's logits.

    Raises:
        TypeError: if it returned none, as models with a fused loss do.
    """
    logits = outputs.get("logits") if isinstance(outputs, Mapping) else None
    if not isinstance(logits, Tensor):
        raise TypeError(
            "the model returned no logits, so its samples' losses cannot be told apart: a fused "
            "loss (use_liger_kernel=True) never makes them. Set use_liger_kernel=False, or return "
            f"'logits'. {REMEDY}"
        )
    return logits


def require_known(names: Collection[str]) -> None:
    """Raises ValueError unless training can report all of these signals."""
    if unknown := set(names) - SIGNALS.keys():
        raise ValueError(f"unknown signals {sorted(unknown)}; known are {sorted(SIGNALS)}")


def require_rows_of(labels: Any, samples: int) -> None:
    """Raises ValueError unless a batch's labels are those of so many samples, one row each."""
    if labels is None:
        return
    rows = len(labels if isinstance(labels, Tensor) else next(iter(labels.values())))
    if rows != samples:
        raise ValueError(
            f"the batch has {samples} samples and its labels {rows} rows: packing or padding-free "
            "collation joins samples, and their losses cannot be told apart. Set packing=False "
            f"and padding_free=False. {REMEDY}"
        )
