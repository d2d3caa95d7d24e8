"""What scores share that are the mean of one signal over the reports of it."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from hf_dynsel.core import Feedback
from hf_dynsel.scores.training_score import State, TrainingScore


@dataclass(frozen=True, kw_only=True)
class MeanSignal(TrainingScore):
    """A score that is the mean of one signal of each sample, times a sign.

    Attributes:
        sign: -1 where a small signal is worth keeping.
    """

    sign: ClassVar[int] = 1

    @abstractmethod
    def signal(self) -> str:
        """Returns the name of the signal."""

    def look_signals(self) -> frozenset[str]:
        """Returns the signal."""
        return frozenset({self.signal()})

    def allocate(self, size: int) -> State:
        """Returns the sum and the number of reports."""
        return {"total": np.zeros(size), "count": np.zeros(size, np.int32)}

    def observe(self, state: State, feedback: Feedback) -> None:
        """Adds one report."""
        state["total"][feedback.indices] += feedback.signals[self.signal()]
        state["count"][feedback.indices] += 1

    def finish(self, state: State) -> Float[np.ndarray, " n"]:
        """Returns the mean, with its sign; NaN for a sample that was never reported."""
        with np.errstate(invalid="ignore"):
            mean: Float[np.ndarray, " n"] = self.sign * state["total"] / state["count"]
        return mean
