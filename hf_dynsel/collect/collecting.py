"""Selects as another selector does, and gathers scores of the samples meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hf_dynsel.core import Feedback, Pool, Selection, Selector, Sweep
from hf_dynsel.scores.training_score import State, TrainingScore

INNER = "inner."  # before the names of the inner selector's arrays


class Collecting(Selector):
    """A selector around another, whose selections it passes on.

    What the scores gather is part of its state, so that checkpoints hold it and all processes
    have the same. Each look is one pass, for the inner selector and all scores together.

    Args:
        inner: selects.
        scores: what is gathered, each under another name.
        after: signals to be seen of the trained model.
        admit: is given the pool before a run, and raises ValueError if it is of other data.

    Attributes:
        states: arrays of each score, by its name.
        seen: the signals of the trained model, once they were seen.
        complete: whether the run has shown all that was asked for.
        epochs: how many were trained.

    Raises:
        ValueError: if the inner selector weighs batches, which shows samples that do not train.
    """

    def __init__(
        self,
        inner: Selector,
        scores: Sequence[TrainingScore],
        after: frozenset[str],
        admit: Callable[[Pool], None],
    ) -> None:
        super().__init__(inner.seed)
        if type(inner).weigh is not Selector.weigh:
            raise ValueError(
                f"{type(inner).__name__} chooses inside of batches, and so shows samples that do "
                "not train; collect scores from a run with another selector, such as FullData"
            )
        self.inner, self.scores, self.after = inner, tuple(scores), after
        self._admit, self.complete = admit, False
        self.signals = inner.signals.union(*(score.signals for score in scores))

    def allocate(self) -> None:
        """Sets the inner selector up, and starts all scores afresh.

        Raises:
            ValueError: if the pool has no labels.
        """
        if self.pool.labels is None:
            raise ValueError(
                "scores are collected of classifiers with one class per sample, and the training "
                "set has no integer column 'label' or 'labels'; add it, or pass pool= with labels"
            )
        self._admit(self.pool)
        self.inner.setup(self.pool, self.num_epochs)
        self.states: dict[str, State] = {s.name: s.allocate(self.pool.size) for s in self.scores}
        self.seen: Mapping[str, np.ndarray] = {}
        self.complete = False
        self.epochs = 0

    def select(self, epoch: int) -> Selection:
        """Returns the inner selection."""
        return self.inner.select(epoch)

    def planned_size(self, epoch: int) -> int | None:
        """Returns the inner size."""
        return self.inner.planned_size(epoch)

    def size_before_sweep(self, epoch: int) -> int | None:
        """Returns the inner size, or that of the inner selection if it needs no look itself."""
        planned = self.inner.planned_size(epoch)
        if planned is None and self.inner.sweep(epoch) is None:
            return len(self.inner.select(epoch).indices)
        return planned

    def sweep(self, epoch: int) -> Sweep | None:
        """Returns what the inner selector and the scores want to see, in one."""
        own, inner = self._wanted(epoch), self.inner.sweep(epoch)
        if not own:
            return inner
        return Sweep(np.arange(self.pool.size), own | (inner.signals if inner else frozenset()))

    def reads(self) -> frozenset[str]:
        """Returns what the inner selector reads."""
        return self.inner.reads()

    def augments(self) -> bool:
        """Returns whether inner selections mark samples."""
        return self.inner.augments()

    def diagnostics(self, epoch: int) -> Mapping[str, float]:
        """Returns the inner numbers; after the last epoch there are none."""
        return self.inner.diagnostics(epoch) if epoch < self.num_epochs else {}

    def observe(self, feedback: Feedback) -> None:
        """Passes on to the inner selector and to each score what it asked for."""
        epoch = feedback.epoch
        if feedback.swept:
            self._show_inner(feedback)
            scores = [score for score in self.scores if epoch in score.looks(self.num_epochs)]
        else:
            self.inner.observe(feedback)
            scores = [score for score in self.scores if score.signals]
            self.epochs = epoch + 1
        for score in scores:
            score.observe(self.states[score.name], feedback)
        if epoch == self.num_epochs and feedback.swept:
            self.seen = {name: feedback.signals[name] for name in self.after}
        last = self.num_epochs if self._wanted(self.num_epochs) else self.num_epochs - 1
        self.complete = epoch == last and feedback.swept == (last == self.num_epochs)

    def config(self) -> dict[str, Any]:
        """Returns the inner hyperparameters, and what is collected."""
        collected = {score.name: score.config() for score in self.scores}
        inner = {"selector": type(self.inner).__name__, **self.inner.config()}
        return {"collecting": inner, "scores": collected, "after": sorted(self.after)}

    def state_dict(self) -> dict[str, np.ndarray]:
        """Returns the arrays of the inner selector and of the scores."""
        inner = {INNER + name: array for name, array in self.inner.state_dict().items()}
        arrays = {
            f"scores.{name}.{key}": array
            for name, state in self.states.items()
            for key, array in state.items()
        }
        return {**inner, **arrays}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Restores what `state_dict` returned.

        Raises:
            ValueError: if it is of another selector, or of other scores.
        """
        if (own := self.state_dict().keys()) != state.keys():
            raise ValueError(
                f"the run collects {sorted(own)}, but the checkpoint holds {sorted(state)}: it is "
                "of another selector, or of other scores"
            )
        inner = {n.removeprefix(INNER): a for n, a in state.items() if n.startswith(INNER)}
        self.inner.load_state_dict(inner)
        for name, arrays in self.states.items():
            for key in arrays:
                arrays[key] = state[f"scores.{name}.{key}"].copy()

    def _wanted(self, epoch: int) -> frozenset[str]:
        """Returns the signals of the whole pool that are wanted before an epoch."""
        looking = [score for score in self.scores if epoch in score.looks(self.num_epochs)]
        after = self.after if epoch == self.num_epochs else frozenset()
        return after.union(*(score.look_signals() for score in looking))

    def _show_inner(self, feedback: Feedback) -> None:
        if (wanted := self.inner.sweep(feedback.epoch)) is None:
            return
        rows = np.searchsorted(feedback.indices, wanted.indices)
        signals = {name: feedback.signals[name][rows] for name in wanted.signals}
        self.inner.observe(Feedback(feedback.epoch, wanted.indices, signals, swept=True))
