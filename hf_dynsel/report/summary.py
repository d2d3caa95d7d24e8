"""The numbers of a finished run, as `summary.json` holds them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from statistics import mean
from typing import Any

OVERHEAD = ("features", "sae", "adapters", "proxy", "scores", "select", "sweep")


@dataclass(frozen=True)
class Summary:
    """What a run was, what it reached and what it cost.

    Args:
        recipe: name of the recipe.
        selector: class name of the selection method.
        keep: fraction kept per epoch; None for a method without one.
        seed: seed of the run.
        epochs: number of epochs.
        eval: final metrics by name.
        samples_per_epoch: samples trained on, by epoch.
        samples_trained: samples that received a gradient, over all epochs.
        samples_forwarded: samples that went through the model to be trained or left out.
        samples_swept: samples that went through the model only to be scored.
        samples_full: samples that full-data training would have taken.
        optimizer_steps: updates of the model.
        seconds: wall time by stage.
        usage: never_used (share), gini and max of how often each sample was used.
        environment: hardware and versions.
        sweeps: what the selector said of each look at the pool, such as recall and seconds of its
            search for neighbours.
        label_noise: `pool`, the share of wrong labels; `selected`, that among the samples of each
            epoch; `auc`, how well each score tells them; None where the true ones are not known.
        curve: of each evaluation during training `epoch`, `step`, `samples_trained` and the metrics
            by name; empty without any, and for runs of before it was kept.
    """

    recipe: str
    selector: str
    keep: float | None
    seed: int
    epochs: int
    eval: Mapping[str, float]
    samples_per_epoch: tuple[int, ...]
    samples_trained: int
    samples_forwarded: int
    samples_swept: int
    samples_full: int
    optimizer_steps: int
    seconds: Mapping[str, float]
    usage: Mapping[str, float]
    environment: Mapping[str, Any]
    sweeps: Sequence[Mapping[str, float]] = ()
    label_noise: Mapping[str, Any] | None = None
    curve: tuple[Mapping[str, float], ...] = ()

    @property
    def size(self) -> int:
        """Samples in the training set."""
        return self.samples_full // self.epochs

    @property
    def saving(self) -> float:
        """How many times fewer samples were trained on than full-data training takes."""
        return self.samples_full / self.samples_trained

    @property
    def wrong_selected(self) -> float | None:
        """Share of wrong labels in epochs that select, or in all if none does; None if unknown."""
        if self.label_noise is None:
            return None
        epochs = list(zip(self.label_noise["selected"], self.samples_per_epoch, strict=True))
        most = max(self.samples_per_epoch)  # less than the pool where samples are held out
        chosen = [share for share, samples in epochs if samples < most]
        return float(mean(chosen or self.label_noise["selected"]))

    @property
    def total_seconds(self) -> float:
        """Wall time of all stages."""
        return sum(self.seconds.values())

    @property
    def overhead_seconds(self) -> float:
        """Wall time of what full-data training would not need."""
        return sum(self.seconds.get(stage, 0.0) for stage in OVERHEAD)

    @property
    def overhead_share(self) -> float:
        """Overhead as a share of the wall time of all stages."""
        return self.overhead_seconds / self.total_seconds if self.total_seconds else 0.0

    @property
    def seconds_not_trained(self) -> float:
        """Training time that full data would have added, an estimate.

        It takes the run's own seconds per forwarded sample, so a method that forwards every
        sample and leaves some out of the gradient is credited with nothing.
        """
        return self.seconds_to(self.samples_full)

    def seconds_to(self, samples: int) -> float:
        """Returns how much longer training would take to forward so many samples, an estimate."""
        forwarded = max(self.samples_forwarded, self.samples_trained)
        return self.seconds.get("train", 0.0) * (samples / forwarded - 1)


def read_summary(path: Path) -> Summary:
    """Returns the checked content of a `summary.json`.

    Raises:
        ValueError: if keys are missing, or a count that must be positive is not.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    names = [field.name for field in fields(Summary)]
    needed = [field.name for field in fields(Summary) if field.default is MISSING]
    missing = [name for name in needed if name not in content]
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}; it should hold {', '.join(needed)}")
    for name in ("epochs", "samples_trained", "samples_full"):
        if content[name] < 1:
            raise ValueError(f"{path} has {name} {content[name]}; a finished run has at least 1")
    kept = {name: content[name] for name in names if name in content}
    lists = {name: tuple(kept[name]) for name in ("samples_per_epoch", "curve") if name in kept}
    return Summary(**{**kept, **lists})
