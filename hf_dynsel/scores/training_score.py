"""The interface of a score that is read off a training: reports in, one number per sample out."""

from abc import ABC, abstractmethod
from collections.abc import MutableMapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import ceil
from typing import Any, ClassVar, get_args

import numpy as np
from jaxtyping import Float

from hf_dynsel.core import Feedback
from hf_dynsel.scores.normalize import Normalization

State = MutableMapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class TrainingScore(ABC):
    """Says how much each sample is worth keeping, from what a model in training shows of it.

    A subclass is final, and a frozen dataclass whose fields are the settings. What it gathers
    is in arrays with one row per sample, which the run's checkpoints hold. It learns from the
    samples as they are trained on, by `signals`, or from looks at the whole pool, without
    anything random, by `looks` and `look_signals`.

    Args:
        normalize: how the values are put on the scale from 0 to 1: by their range or by their
            rank, over the whole dataset or within each class, or None for not at all.

    Attributes:
        name: the score's column is called `score_<name>`.
        signals: what it wants reported of each sample that is trained on.
    """

    normalize: Normalization | None = "minmax"
    name: ClassVar[str]
    signals: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        if self.normalize not in (None, *get_args(Normalization)):
            raise ValueError(
                f"normalize must be one of {get_args(Normalization)} or None, "
                f"got {self.normalize!r}"
            )
        self.check()

    def check(self) -> None:  # noqa: B027
        """Raises ValueError if a setting is out of range."""

    def looks(self, num_epochs: int) -> tuple[int, ...]:
        """Returns the epochs before which it looks at the pool; `num_epochs` is after the last.

        Raises:
            ValueError: if the run is too short for the settings.
        """
        return ()

    def look_signals(self) -> frozenset[str]:
        """Returns what each look must report."""
        return frozenset()

    @abstractmethod
    def allocate(self, size: int) -> State:
        """Returns the arrays, one row per sample, that hold what is gathered."""

    @abstractmethod
    def observe(self, state: State, feedback: Feedback) -> None:
        """Folds the report of one epoch, or of one look, into the arrays."""

    @abstractmethod
    def finish(self, state: State) -> Float[np.ndarray, " n"]:
        """Returns the score of every sample, higher for more worth keeping; NaN where unknown."""

    def config(self) -> dict[str, Any]:
        """Returns the settings, ready for a recipe."""
        return asdict(self)


def look_epochs(
    epochs: Sequence[int] | int | float, num_epochs: int, score: TrainingScore
) -> tuple[int, ...]:
    """Returns the epochs before which a score looks.

    Args:
        epochs: numbers of epochs trained before a look; or a fraction of the run, rounded up.
        num_epochs: of the run.
        score: whose looks they are.

    Raises:
        ValueError: if the run has fewer epochs.
    """
    if isinstance(epochs, float):
        return (ceil(Fraction(str(epochs)) * num_epochs),)  # as a float, 0.07 of 100 gives 8
    if isinstance(epochs, int):
        epochs = (epochs,)
    if max(epochs) > num_epochs:
        raise ValueError(
            f"{type(score).__name__} looks after {max(epochs)} epochs, and the run has "
            f"{num_epochs}; train for longer, or set epochs to {num_epochs} or less, or to a "
            "fraction of the run such as 0.1"
        )
    return tuple(sorted(set(epochs)))


def check_epochs(epochs: Sequence[int] | int | float) -> None:
    """Raises ValueError unless `epochs` says when to look, as for `look_epochs`."""
    if isinstance(epochs, float):
        valid = 0 < epochs <= 1
    else:
        given = list(epochs) if isinstance(epochs, Sequence) else [epochs]
        valid = len(given) > 0 and all(type(epoch) is int and epoch >= 0 for epoch in given)
    if not valid:
        raise ValueError(
            f"epochs must be whole numbers of epochs, such as 10 or (10, 20), or a fraction of the "
            f"run, such as 0.1, got {epochs!r}"
        )
