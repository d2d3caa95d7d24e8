"""What a card says of a training run: the selection, what it saved and what it cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hf_dynsel.report.summary import OVERHEAD


@dataclass(frozen=True)
class RunFacts:
    """The plain facts on a run, finished or not.

    Args:
        selector: class name of the selection method.
        settings: of the selector.
        size: samples in the training set.
        epochs: of the whole run.
        samples_per_epoch: samples trained on, by epoch that is finished.
        samples_forwarded: through the model to be trained or left out.
        samples_swept: through the model only to be scored.
        optimizer_steps: updates of the model.
        seconds: wall time by stage.
        usage: never_used (share), gini and max of how often each sample was used.
        results: metrics by name.
        split: that they were measured on.
        source: note on the training data; empty if nothing is known.
        scores: class name by score that the pool has; its keys alone where it is not known.
        recipe: text of the recipe; empty without one.
        log: repository of the selection log, if there is one.
        license: of the model, an identifier that the Hub knows; None leaves the card's.
        seed: of the run.
        machine: that the seconds were measured on; empty if it is not noted.
    """

    selector: str
    settings: Mapping[str, Any]
    size: int
    epochs: int
    samples_per_epoch: Sequence[int]
    samples_forwarded: int
    samples_swept: int
    optimizer_steps: int
    seconds: Mapping[str, float]
    usage: Mapping[str, float]
    results: Mapping[str, float] = field(default_factory=dict)
    split: str = "test"
    source: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, str | None] = field(default_factory=dict)
    recipe: str = ""
    log: str | None = None
    license: str | None = None
    seed: int | None = None
    machine: str = ""

    @property
    def finished(self) -> int:
        """Epochs that are finished."""
        return len(self.samples_per_epoch)

    @property
    def samples_trained(self) -> int:
        """Samples that received a gradient, over all finished epochs."""
        return sum(self.samples_per_epoch)

    @property
    def samples_full(self) -> int:
        """Samples that all data would have taken for as many epochs."""
        return self.size * self.finished

    @property
    def saving(self) -> float:
        """How many times fewer samples were trained on than all data takes."""
        return self.samples_full / self.samples_trained

    @property
    def overhead(self) -> Mapping[str, float]:
        """Seconds of the stages that training on all data would not need."""
        return {stage: s for stage, s in self.seconds.items() if stage in OVERHEAD}

    @property
    def pays(self) -> bool | None:
        """Whether selection took less than it saved; None where that cannot be told."""
        if not self.finished or self.samples_forwarded >= self.samples_full:
            return None
        return sum(self.overhead.values()) < self.seconds_not_trained

    @property
    def unpriced(self) -> bool:
        """Whether there are scores, but not what it took to compute them."""
        return bool(self.scores) and "scores" not in self.seconds

    @property
    def seconds_not_trained(self) -> float:
        """Training time that all data would have added at this run's speed, an estimate."""
        forwarded = max(self.samples_forwarded, self.samples_trained)
        return self.seconds.get("train", 0.0) * (self.samples_full / forwarded - 1)
