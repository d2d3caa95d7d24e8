"""The score that favours samples whose label was behind other classes all through training."""

from dataclasses import dataclass
from typing import ClassVar, final

from hf_dynsel.scores.mean_signal import MeanSignal


@final
@dataclass(frozen=True, kw_only=True)
class AUM(MeanSignal):
    """Averages by how much the label's logit misses the largest other one, over the whole run.

    It is the negative area under the margin, so that hard samples score high, and wrong labels
    highest of all: select from the middle, or drop the top, where labels are noisy. The margins
    are those of the samples as they are trained on, augmented and in training mode. With one
    class there is no other, and all samples are alike.

    Cost: no pass of its own; memory for two numbers per sample.

    Reference:
        Pleiss et al., "Identifying Mislabeled Data using the Area Under the Margin Ranking",
        NeurIPS 2020; the paper was not re-read. There a small area marks a wrong label; the sign
        is turned here. Without the paper's threshold samples.
    """

    name: ClassVar[str] = "aum"
    sign: ClassVar[int] = -1
    signals: ClassVar[frozenset[str]] = frozenset({"margin"})

    def signal(self) -> str:
        """Returns how far the label's logit is ahead."""
        return "margin"
