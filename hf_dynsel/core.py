"""The nouns of the library: `Pool`, `Selection`, `Sweep`, `Feedback` and `Selector`.

Everything here is NumPy: a selector runs the same in the `Trainer`, in a plain loop and in
the simulator. Read this file first.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from hf_dynsel.counting import occurrences


@dataclass(frozen=True)
class Pool:
    """What is known about the training set before training starts.

    Args:
        size: number of samples.
        scores: one column per score; higher means more worth keeping.
        labels: class of each sample, from 0 to C-1, every class with at least one sample.
            None for unlabelled data.
        columns: several numbers per sample, such as features, by the name of their column.

    Raises:
        ValueError: if a column has another length, holds NaN or an infinity, or if the labels
            are negative or leave a class empty.
    """

    size: int
    scores: Mapping[str, Float[np.ndarray, " n"]] = field(default_factory=dict)
    labels: Int[np.ndarray, " n"] | None = None
    columns: Mapping[str, Num[np.ndarray, "n d"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"a pool needs at least one sample, got size {self.size}")
        self._check_columns()
        columns: dict[str, Num[np.ndarray, " n"]] = dict(self.scores)
        if self.labels is not None:
            columns["labels"] = self.labels
        for name, column in columns.items():
            if column.shape != (self.size,):
                raise ValueError(
                    f"the pool has {self.size} samples, but its column '{name}' has shape "
                    f"{column.shape}; give one value per sample"
                )
        for name, column in self.scores.items():
            if not (np.isfinite(column.min()) and np.isfinite(column.max())):
                rows = np.flatnonzero(~np.isfinite(column))
                raise ValueError(
                    f"score column '{name}' has {len(rows)} values that are NaN or infinite, "
                    f"the first at row {rows[0]}; compute the score again or drop these rows"
                )
        if self.labels is not None:
            self._check_classes(self.labels)

    def _check_columns(self) -> None:
        for name, column in self.columns.items():
            if len(column) != self.size:
                raise ValueError(
                    f"the pool has {self.size} samples, but its column '{name}' has shape "
                    f"{column.shape}; give one row per sample"
                )
            if not (np.isfinite(column.min()) and np.isfinite(column.max())):
                rows = np.flatnonzero(~np.isfinite(column).all(axis=1))
                raise ValueError(
                    f"column '{name}' has {len(rows)} rows with NaN or an infinity, the first is "
                    f"row {rows[0]}; compute it again or drop these rows"
                )

    @staticmethod
    def _check_classes(labels: Int[np.ndarray, " n"]) -> None:
        if labels.min() < 0:
            row = int(np.argmin(labels))
            raise ValueError(
                f"labels must be from 0 to C-1, but row {row} has label {labels[row]}; "
                "drop unlabelled rows, or pass labels=None"
            )
        empty = np.flatnonzero(occurrences(labels) == 0)
        if len(empty):
            raise ValueError(
                f"class {empty[0]} has no samples although labels go up to {labels.max()} "
                f"({len(empty)} empty in all); number the classes without gaps"
            )

    def score(self, name: str) -> Float[np.ndarray, " n"]:
        """Returns one score column."""
        if name not in self.scores:
            known = ", ".join(sorted(self.scores)) or "none"
            raise ValueError(
                f"the pool has no score column '{name}' (it has: {known}); "
                f"add it to the dataset as 'score_{name}' with add_scores"
            )
        return self.scores[name]

    def column(self, name: str) -> Num[np.ndarray, "n d"]:
        """Returns one column of several numbers per sample."""
        if name not in self.columns:
            known = ", ".join(sorted(self.columns)) or "none"
            raise ValueError(
                f"the pool has no column '{name}' (it has: {known}); add it to the dataset, with "
                "hf_dynsel.features.extract for features or hf_dynsel.sae.add_codes for codes"
            )
        return self.columns[name]


@dataclass(frozen=True)
class Selection:
    """The samples of one epoch.

    Args:
        indices: rows of the pool, none twice, in the order the method ranks them, or sorted.
        weights: factors on each sample's loss. None means one for all.
        augment: which samples get the strong augmentation. None means none.
    """

    indices: Int[np.ndarray, " m"]
    weights: Float[np.ndarray, " m"] | None = None
    augment: Bool[np.ndarray, " m"] | None = None

    def __post_init__(self) -> None:
        if len(self.indices) == 0:
            raise ValueError("a selection needs at least one sample, got none")


@dataclass(frozen=True)
class Sweep:
    """What a selector asks to see before an epoch, of samples that need not be trained.

    Args:
        indices: rows of the pool, sorted, none twice.
        signals: what to report of each; "features" is what the model's classifier receives.
    """

    indices: Int[np.ndarray, " s"]
    signals: frozenset[str]


@dataclass(frozen=True)
class Feedback:
    """Per-sample signals; the first axis of each is the sample.

    What reaches `Selector.observe` covers one whole epoch, with sorted, unique indices, or one
    sweep before an epoch.

    Args:
        epoch: that was trained, or is to come.
        indices: rows of the pool.
        signals: by name.
        swept: whether they are of a sweep: evaluation mode, nothing random, no training.
    """

    epoch: int
    indices: Int[np.ndarray, " b"]
    signals: Mapping[str, Float[np.ndarray, "b ..."]]
    swept: bool = False

    @classmethod
    def merge(cls, batches: Sequence["Feedback"]) -> "Feedback":
        """Joins the batches of one epoch. A sample seen twice keeps its last signals."""
        indices = np.concatenate([batch.indices for batch in batches])
        unique, first = np.unique(indices[::-1], return_index=True)
        last = len(indices) - 1 - first
        names = batches[0].signals
        signals = {n: np.concatenate([b.signals[n] for b in batches])[last] for n in names}
        return cls(batches[0].epoch, unique, signals)


@dataclass
class Selector(ABC):
    """Chooses which samples each epoch trains on, and with what loss weight.

    A subclass is final, and a dataclass: its init fields are the hyperparameters, which a
    recipe sets; its other fields, `field(init=False, repr=False, compare=False)`, are the state,
    which a checkpoint holds. `select` reads the state and `observe` alone changes it. Epochs
    count from zero.
    """

    seed: int = 0
    signals: ClassVar[frozenset[str]] = frozenset()

    def setup(self, pool: Pool, num_epochs: int) -> None:
        """Binds the selector to one training run. Called once, before the first epoch.

        Raises:
            ValueError: if the pool lacks what the selector needs.
        """
        if num_epochs < 1:
            raise ValueError(f"a run needs at least one epoch, got {num_epochs}")
        self.pool, self.num_epochs = pool, num_epochs
        self.allocate()

    @abstractmethod
    def select(self, epoch: int) -> Selection:
        """Returns the samples of `epoch`: the same ones however often it is called."""

    def planned_size(self, epoch: int) -> int | None:
        """Returns how many samples `epoch` will have; None where that depends on training."""
        return None

    def size_before_sweep(self, epoch: int) -> int | None:
        """Returns the size of an epoch with a sweep, when it is asked for before the sweep."""
        return self.planned_size(epoch)

    def sweep(self, epoch: int) -> Sweep | None:
        """Returns what `observe` must be shown before `epoch` can be selected; None for nothing.

        Drivers run the model over these samples, which costs a forward pass of each. An epoch
        with a sweep has a planned size. They ask once more after the last epoch, with the number
        of epochs: what is shown then is the trained model's.
        """
        return None

    def reads(self) -> frozenset[str]:
        """Returns the columns of several numbers per sample that the pool must hold."""
        return frozenset()

    def augments(self) -> bool:
        """Returns whether selections mark samples for the strong augmentation."""
        return False

    def allocate(self) -> None:  # noqa: B027
        """Creates the state fields, now that the pool is known, and checks what is needed."""

    def observe(self, feedback: Feedback) -> None:  # noqa: B027
        """Folds one epoch of feedback into the state."""

    def weigh(self, feedback: Feedback) -> Float[np.ndarray, " b"] | None:
        """Returns loss weights for one batch from its fresh signals; None means ones."""
        return None

    def diagnostics(self, epoch: int) -> Mapping[str, float]:
        """Returns numbers of the method worth a curve, such as its schedule at `epoch`."""
        return {}

    def budget(self, keep: float) -> int:
        """Number of samples in a fraction of the pool, rounded down as on exact decimals.

        Raises:
            ValueError: if `keep` is not in (0, 1].
        """
        check_keep(keep)
        exact = Decimal(str(keep)) * self.pool.size  # floats give 28 for 0.29 of 100
        return max(1, int(exact + Decimal("1e-9")))

    def rng(self, epoch: int, stream: int = 0) -> np.random.Generator:
        """A generator that depends on nothing but the seed, the epoch and the stream."""
        return np.random.default_rng((self.seed, epoch, stream))

    def config(self) -> dict[str, Any]:
        """Returns the hyperparameters, ready for a recipe."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    def state_dict(self) -> dict[str, np.ndarray]:
        """Returns the state arrays, ready for a checkpoint."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.init}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Restores what `state_dict` returned.

        Raises:
            ValueError: if the names or shapes are not those of this selector and pool.
        """
        own = self.state_dict()
        if own.keys() != state.keys():
            raise ValueError(
                f"{type(self).__name__} keeps the state {sorted(own)}, "
                f"but the checkpoint holds {sorted(state)}: it is of another selector"
            )
        for name, array in own.items():
            # A width that the first sweep tells, such as that of features, is zero before it.
            if array.size == 0 and array.shape[:1] == state[name].shape[:1]:
                setattr(self, name, state[name].copy())
                continue
            if array.shape != state[name].shape:
                raise ValueError(
                    f"state '{name}' has shape {array.shape} here and {state[name].shape} in the "
                    "checkpoint: it is of another dataset"
                )
            array[...] = state[name]


def check_keep(keep: float) -> None:
    """Raises ValueError unless `keep`, the fraction of the pool to keep, is in (0, 1]."""
    if not 0 < keep <= 1:
        raise ValueError(
            f"keep must be in (0, 1], got {keep}: it is the fraction of the samples kept per epoch"
        )
