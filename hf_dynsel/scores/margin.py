"""The score that favours samples for which a trained model hesitates between two classes."""

from dataclasses import dataclass
from typing import ClassVar, final

from hf_dynsel.scores.mean_signal import MeanSignal


@final
@dataclass(frozen=True, kw_only=True)
class Margin(MeanSignal):
    """Takes how little the likeliest class is ahead of the second when the run has ended.

    It is the negative difference of the two probabilities: high where the model is uncertain.
    The label plays no part but for the training; `AUM` is the margin of the label, over a whole
    run. With one class there is no second, and all samples are alike.

    Cost: a forward pass of the pool; memory for two numbers per sample.

    Reference:
        Margin sampling, as in Settles, "Active Learning Literature Survey", 2009, section 3.1, a
        baseline of coreset comparisons; neither was re-read. Of a trained model in evaluation
        mode.
    """

    name: ClassVar[str] = "margin"
    sign: ClassVar[int] = -1

    def looks(self, num_epochs: int) -> tuple[int, ...]:
        """Returns the end of the run."""
        return (num_epochs,)

    def signal(self) -> str:
        """Returns how far the likeliest class is ahead."""
        return "gap"
