"""The score that favours samples which a model learns and forgets again while it trains."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from hf_dynsel.core import Feedback
from hf_dynsel.scores.training_score import State, TrainingScore


@final
@dataclass(frozen=True, kw_only=True)
class Forgetting(TrainingScore):
    """Counts how often a sample was wrong although it was right when it was last trained on.

    A sample that was never right counts as many times as it was trained on: more than any other
    where all are trained equally often. Many samples share a count: ties go to the lower row,
    wherever this score is ranked.

    Cost: no pass of its own; memory for four numbers per sample.

    Reference:
        Toneva et al., "An Empirical Study of Example Forgetting during Deep Neural Network
        Learning", ICLR 2019, section 2 and the released code: predictions are those made in
        training, of the sample as it was augmented, in its batch, and the number of presentations
        stands for never learned. Paul et al., NeurIPS 2021, set infinity there; DeepCore has no
        rule for it and drops these samples first. Over several runs we take the mean; the
        original takes the sum, in the same order.
    """

    name: ClassVar[str] = "forgetting"
    signals: ClassVar[frozenset[str]] = frozenset({"correct"})

    def allocate(self, size: int) -> State:
        """Returns the counts, all zero."""
        return {
            "right": np.zeros(size, bool),
            "learned": np.zeros(size, bool),
            "forgotten": np.zeros(size, np.int32),
            "presented": np.zeros(size, np.int32),
        }

    def observe(self, state: State, feedback: Feedback) -> None:
        """Counts one epoch.

        Raises:
            ValueError: if a sample is partly right, as one with a class for each token can be.
        """
        rows, correct = feedback.indices, feedback.signals["correct"]
        if len(partly := correct[(correct != 0) & (correct != 1)]):
            raise ValueError(
                f"Forgetting counts samples that are right or wrong, and one is {partly[0]:g} "
                "right: it is for one class per sample. Leave it out for other tasks"
            )
        right = correct > 0
        state["forgotten"][rows] += state["right"][rows] & ~right
        state["right"][rows] = right
        state["learned"][rows] |= right
        state["presented"][rows] += 1

    def finish(self, state: State) -> Float[np.ndarray, " n"]:
        """Returns the counts; NaN for a sample that was never trained on."""
        counts = np.where(state["learned"], state["forgotten"], state["presented"])
        return np.where(state["presented"] > 0, counts, np.nan)
