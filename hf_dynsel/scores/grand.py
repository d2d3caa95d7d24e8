"""The score that favours samples which pull hardest at the weights early in training."""

from dataclasses import dataclass
from typing import ClassVar, final

from hf_dynsel.scores.mean_signal import MeanSignal
from hf_dynsel.scores.training_score import check_epochs, look_epochs


@final
@dataclass(frozen=True, kw_only=True)
class GraNd(MeanSignal):
    """Averages the length of the gradient of each sample's own loss.

    Cost: a forward pass of the pool per look; with `exact`, a forward and a backward pass of each
    sample for itself, whose gradients of all weights are held for as many samples as fit 1 GiB.
    Models that branch on values, as those of transformers for text do, then go one sample at a
    time. Memory for two numbers per sample.

    Args:
        epochs: after how many epochs it looks, such as `(4,)`; or after which fraction of the
            run, rounded up to epochs. At 0, the initial weights, the score was reported not to
            be reproducible.
        exact: whether the gradient is that of all trained weights, as in the paper. Without it,
            it is that of the last linear layer and its bias, which takes no backward pass: the
            length of the error (see `EL2N`) times that of the features and a one. That is
            another score, not an approximation.

    Reference:
        Paul et al., "Deep Learning on a Data Diet: Finding Important Examples Early in Training",
        NeurIPS 2021, definition 2.1; a mean over at least 10 runs there: collect from several.
        As there, in evaluation mode on samples without augmentation. That "GraNd-4" in the tables
        of others is after 4 epochs is our reading; the last-layer form and the default of a tenth
        of the run are ours.
    """

    epochs: tuple[int, ...] | int | float = 0.1
    exact: bool = False
    name: ClassVar[str] = "grand"

    def check(self) -> None:
        """Raises ValueError if `epochs` says no epochs."""
        check_epochs(self.epochs)

    def looks(self, num_epochs: int) -> tuple[int, ...]:
        """Returns the epochs asked for."""
        return look_epochs(self.epochs, num_epochs, self)

    def signal(self) -> str:
        """Returns the length of the gradient, of all weights or of the last layer."""
        return "grand_exact" if self.exact else "grand"
