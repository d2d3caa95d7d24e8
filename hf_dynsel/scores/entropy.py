"""The score that favours samples whose class a trained model is unsure of."""

from dataclasses import dataclass
from typing import ClassVar, final

from hf_dynsel.scores.mean_signal import MeanSignal


@final
@dataclass(frozen=True, kw_only=True)
class Entropy(MeanSignal):
    """Takes the entropy, in nats, of the classes that the model predicts when the run has ended.

    Cost: a forward pass of the pool; memory for two numbers per sample. Labels play no part but
    for the training.

    Reference:
        Coleman et al., "Selection via Proxy: Efficient Data Selection for Deep Learning", ICLR
        2020, compare with it under this name; that paper was not re-read. As in released code of
        others, of a trained model in evaluation mode, and high where it is uncertain: in one of
        them (DeepCore) the sign differs between its two ways of selecting, so that one of these
        keeps the most certain.
    """

    name: ClassVar[str] = "entropy"

    def looks(self, num_epochs: int) -> tuple[int, ...]:
        """Returns the end of the run."""
        return (num_epochs,)

    def signal(self) -> str:
        """Returns the entropy."""
        return "entropy"
