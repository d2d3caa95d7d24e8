"""The score that favours samples which a model gets most wrong early in training."""

from dataclasses import dataclass
from typing import ClassVar, final

from hf_dynsel.scores.mean_signal import MeanSignal
from hf_dynsel.scores.training_score import check_epochs, look_epochs


@final
@dataclass(frozen=True, kw_only=True)
class EL2N(MeanSignal):
    """Averages the length of the error: predicted probabilities minus the one-hot label.

    Cost: a forward pass of the pool per look; memory for two numbers per sample.

    Args:
        epochs: after how many epochs it looks, such as 10 or `(10, 20)`; or after which fraction of
            the run, rounded up to epochs.

    Reference:
        Paul et al., "Deep Learning on a Data Diet: Finding Important Examples Early in Training",
        NeurIPS 2021, section 2; a mean over at least 10 runs there: collect from several.
        As there, in evaluation mode on samples without augmentation. That "EL2N-20" in the tables
        of others is after 20 epochs is our reading; the default, a tenth of the run, is 20 of
        their 200. Several looks in one run are ours.
    """

    epochs: tuple[int, ...] | int | float = 0.1
    name: ClassVar[str] = "el2n"

    def check(self) -> None:
        """Raises ValueError if `epochs` says no epochs."""
        check_epochs(self.epochs)

    def looks(self, num_epochs: int) -> tuple[int, ...]:
        """Returns the epochs asked for."""
        return look_epochs(self.epochs, num_epochs, self)

    def signal(self) -> str:
        """Returns the length of the error."""
        return "el2n"
