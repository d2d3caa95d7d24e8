"""The course of a training: what it reached, and the seconds until then."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from transformers import TrainerCallback


class Clock(TrainerCallback):
    """Notes the accuracy after each epoch, and the seconds until then without evaluations.

    It runs from when it is made, so that what comes before the training counts.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.accuracy: list[float] = []
        self._start = self._stop = time.perf_counter()

    def on_epoch_end(self, *args: Any, **kwargs: Any) -> None:
        """Stops."""
        self._stop = time.perf_counter()
        self.seconds.append(self._stop - self._start)

    def on_evaluate(self, *args: Any, metrics: dict[str, float], **kwargs: Any) -> None:
        """Goes on from where it stopped."""
        self.accuracy.append(metrics["eval_accuracy"])
        self._start += time.perf_counter() - self._stop


@dataclass(frozen=True)
class Courses:
    """Those of one method, by seed and epoch.

    Args:
        seconds: until the end of each epoch.
        accuracy: then.
    """

    seconds: Float[np.ndarray, "s e"]
    accuracy: Float[np.ndarray, "s e"]

    @classmethod
    def of(cls, clocks: Sequence[Clock]) -> "Courses":
        """Returns what clocks noted, one of each seed."""
        return cls(*(np.array([getattr(c, n) for c in clocks]) for n in ("seconds", "accuracy")))

    @property
    def end(self) -> float:
        """The mean seconds of a whole training."""
        return float(self.seconds[:, -1].mean())

    @property
    def mark(self) -> float:
        """The accuracy at the end less its spread over seeds, a standard deviation."""
        final = self.accuracy[:, -1]
        return float(final.mean() - (final.std(ddof=1) if len(final) > 1 else 0.0))

    def seconds_to(self, mark: float) -> float | None:
        """Returns when the mean over seeds first reaches an accuracy; None if it never does."""
        reached = np.flatnonzero(self.accuracy.mean(0) >= mark)
        return float(self.seconds.mean(0)[reached[0]]) if len(reached) else None
