"""The score that favours samples whose influence on training keeps changing."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from hf_dynsel.core import Feedback
from hf_dynsel.scores.training_score import State, TrainingScore

TINY = 1e-8  # added to probabilities before the logarithm, as in the released code
ROWS = 8192  # compared at a time


def movement(
    before: Float[np.ndarray, "n c"], after: Float[np.ndarray, "n c"]
) -> Float[np.ndarray, " n"]:
    """Returns how far predictions moved: the divergence from before, its terms taken positive."""
    moved = np.empty(len(after), after.dtype)
    for start in range(0, len(after), ROWS):
        old, new = before[start : start + ROWS], after[start : start + ROWS]
        moved[start : start + ROWS] = np.abs(new * (np.log(new + TINY) - np.log(old + TINY))).sum(1)
    return moved


@final
@dataclass(frozen=True, kw_only=True)
class TDDS(TrainingScore):
    """Measures how unsteadily the predictions for a sample move from epoch to epoch.

    After each epoch, the divergence of the new probabilities from those of the epoch before says
    how much the sample took part. Over a window of epochs, the length of the deviations from
    their mean says how much that varied; the windows count the more the later they are.

    Cost: a forward pass of the pool per epoch that is looked at; memory for the probabilities of
    the pool at two looks, 2·N·C numbers, and N·window more.

    Args:
        window: epochs over which the variation is measured; J in the paper. A run with fewer
            looks is one window.
        decay: weight of the newest window in the moving average of windows.
        until: fraction of the run, from its start and rounded up to epochs, that is looked at.

    Reference:
        Zhang et al., "Spanning Training Progress: Temporal Dual-Depth Scoring (TDDS) for Enhanced
        Dataset Pruning", CVPR 2024. Of the paper only the abstract could be read; the rule, 1e-8
        under the logarithm, positive terms in the divergence, the norm in place of a variance,
        and the defaults of window and decay are those of the released code, which takes the first
        30 of 200 epochs as an example. Departures: probabilities are seen in evaluation mode
        after each epoch, without augmentation; there, in training mode as batches come.
    """

    window: int = 10
    decay: float = 0.9
    until: float = 1.0
    name: ClassVar[str] = "tdds"

    def check(self) -> None:
        """Raises ValueError if a setting is out of range."""
        if self.window < 3:
            raise ValueError(
                f"window must be at least 3 epochs, got {self.window}: of fewer, the movements "
                "have nothing to vary from; the released code has 10"
            )
        if not 0 < self.decay <= 1:
            raise ValueError(
                f"decay must be in (0, 1], got {self.decay}: it is the weight of the newest "
                "window; the released code has 0.9"
            )
        if not 0 < self.until <= 1:
            raise ValueError(
                f"until must be in (0, 1], got {self.until}: it is the fraction of the run that "
                "is looked at"
            )

    def looks(self, num_epochs: int) -> tuple[int, ...]:
        """Returns every epoch of the part that is looked at.

        Raises:
            ValueError: if there are fewer than three.
        """
        last = ceil(Fraction(str(self.until)) * num_epochs)
        if last < 3:
            raise ValueError(
                f"TDDS needs at least 3 epochs to look at, and has {last}: until={self.until} of "
                f"{num_epochs} epochs; train for longer, or raise until"
            )
        return tuple(range(1, last + 1))

    def look_signals(self) -> frozenset[str]:
        """Returns the probabilities."""
        return frozenset({"probabilities"})

    def allocate(self, size: int) -> State:
        """Returns the probabilities, whose width the first look tells, and the window."""
        return {
            "before": np.zeros((size, 0), np.float32),
            "movements": np.zeros((size, self.window - 1), np.float32),
            "average": np.zeros(size),
            "looks": np.zeros(1, np.int64),
        }

    def observe(self, state: State, feedback: Feedback) -> None:
        """Measures how far predictions moved, and how much that varied if a window is full."""
        after, seen = feedback.signals["probabilities"], int(state["looks"][0])
        if seen:
            state["movements"][:, (seen - 1) % (self.window - 1)] = movement(state["before"], after)
        if seen >= self.window - 1:
            varied = _variation(state["movements"])
            state["average"] += self.decay * (varied - state["average"])
        state["before"] = after
        state["looks"] += 1

    def finish(self, state: State) -> Float[np.ndarray, " n"]:
        """Returns the moving average of the windows; NaN if the run ended after two looks."""
        seen = int(state["looks"][0])
        if seen >= self.window:
            return state["average"]
        if seen < 3:
            return np.full(len(state["average"]), np.nan)
        return self.decay * _variation(state["movements"][:, : seen - 1])


def _variation(movements: Float[np.ndarray, "n m"]) -> Float[np.ndarray, " n"]:
    """Returns the length of each sample's deviations from its mean movement."""
    deviations = movements - movements.mean(axis=1, keepdims=True)
    length: Float[np.ndarray, " n"] = np.linalg.norm(deviations.astype(np.float64), axis=1)
    return length
