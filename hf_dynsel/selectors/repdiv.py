"""Representative samples first, diverse ones later, with a penalty on those already used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.core import Feedback, Selection, Selector, check_keep
from hf_dynsel.scaling import MinMax
from hf_dynsel.selectors.checks import (
    check_choice,
    check_count,
    check_fraction,
    check_not_negative,
)
from hf_dynsel.selectors.class_quota import ClassQuota, Quota
from hf_dynsel.selectors.schedules import falling_sigmoid, selecting_epochs

AT_A_TIME = 2**15  # values that are computed at once: few enough for a processor's cache


@dataclass
class RepDiv(Selector):
    """Ranks by a mix of two scores that shifts from the first to the second, less a penalty.

    With both scores scaled to [0, 1] over the pool, and `u` the number of epochs that used a
    sample, its value is `a * representativeness + (1 - a) * diversity - penalty * ln(1 + u)`.
    The weight `a` falls from 1 to `alpha_min`. The first and the last epochs may train on the
    whole pool; they count as use, too.

    Args:
        representativeness: score column of what is common. None counts as zero.
        diversity: score column of what is rare. None counts as zero.
        keep: fraction of the pool in each epoch before the full ones.
        penalty: weight of the use so far; lambda in the paper.
        alpha: a constant weight `a`, in place of the schedule that the next four set.
        alpha_min: what the weight falls to.
        midpoint: when the weight is half way, as a fraction of the run.
        sharpness: how fast the weight falls, per run.
        k_per_epoch: how fast it falls per epoch, in place of `sharpness`; k in the paper, 0.05
            at 200 epochs. In a short run the weight then hardly moves.
        warmup_epochs: that train on the whole pool first; none in the paper.
        refine: fraction of the run, rounded up to epochs, that trains on the whole pool at the
            end; rho in the paper.
        quota: how the budget is split over classes. `equal` takes whole classes where they are
            small and gives the rest to the others; `none` ranks all classes together.
        tie_break: `index` prefers the lower row, `random` draws anew each epoch.

    The ablations of the paper's Table 6, and the static selector of its text experiment:

    | variant | what to set |
    |---|---|
    | w/o Rep | `alpha=0` |
    | w/o Div | `alpha=1` |
    | w/o Pen | `penalty=0` |
    | w/o alpha | `alpha=0.5` |
    | Static | `alpha=0.5, penalty=0` |
    | only Div | `alpha=0, penalty=0` |
    | only Rep | `alpha=1, penalty=0` |
    | only Pen | `representativeness=None, diversity=None, tie_break="random"` |
    | w/o Full-data | `refine=0` |
    | RSD_15K static | `alpha=0.5, penalty=0, quota="none", refine=0` |

    Reference:
        Zhou et al., "Rethinking Representativeness and Diversity in Dynamic Data Selection",
        arXiv 2603.04981, 2026, sections 3.4, 3.5 and 4.4, algorithm 1. Departures: the
        midpoint of 0.6 and sharpness of 0.05 have no unit there; only a fraction of the run, and
        0.05 * 200 = 10 per run, fit its figures. It wants equally many samples per class and
        does not say what to do when a class has fewer. The weight of w/o alpha and of Static,
        and the coefficient of the text experiment's sum, are not printed: here both scores
        weigh alike.
    """

    representativeness: str | None = "representativeness"
    diversity: str | None = "diversity"
    keep: float = 0.3
    penalty: float = 0.2
    alpha: float | None = None
    alpha_min: float = 0.2
    midpoint: float = 0.6
    sharpness: float = 10.0
    k_per_epoch: float | None = None
    warmup_epochs: int = 0
    refine: float = 0.15
    quota: Quota = "equal"
    tie_break: Literal["index", "random"] = "index"
    usage: Int[np.ndarray, " n"] = field(init=False, repr=False, compare=False)

    def allocate(self) -> None:
        """Scales the scores, splits the budget over the classes and sets all use to zero."""
        self._check()
        self._scores = self._scaled(self.representativeness), self._scaled(self.diversity)
        self._quota = ClassQuota.split(self.quota, self.budget(self.keep), self.pool.labels)
        self.usage = np.zeros(self.pool.size, dtype=np.min_scalar_type(-self.num_epochs))

    def select(self, epoch: int) -> Selection:
        """Returns the samples of highest value, within the quota of each class."""
        if self._whole(epoch):
            return Selection(np.arange(self.pool.size))
        rng = self.rng(epoch) if self.tie_break == "random" else None
        return Selection(self._quota.top(self.value(epoch), rng))

    def planned_size(self, epoch: int) -> int:
        """Returns the budget, or the size of the pool in a full epoch."""
        return self.pool.size if self._whole(epoch) else self.budget(self.keep)

    def observe(self, feedback: Feedback) -> None:
        """Counts one more use of each sample trained on."""
        self.usage[feedback.indices] += 1

    def diagnostics(self, epoch: int) -> Mapping[str, float]:
        """Returns the weight of representativeness, in epochs that select."""
        return {} if self._whole(epoch) else {"alpha": self.weight(epoch)}

    def weight(self, epoch: int) -> float:
        """Returns the weight of representativeness; that of diversity is the rest to one."""
        if self.alpha is not None:
            return self.alpha
        sharpness = self.sharpness
        if self.k_per_epoch is not None:
            sharpness = self.k_per_epoch * self.num_epochs
        time = (epoch + 1) / self.num_epochs  # the paper counts epochs from one
        return falling_sigmoid(time, self.alpha_min, self.midpoint, sharpness)

    def value(self, epoch: int) -> Float[np.ndarray, " n"]:
        """Returns what the samples are ranked by."""
        representative, diverse = self._scores
        weight = self.weight(epoch)
        value = np.empty(self.pool.size, np.result_type(representative.values, diverse.values))
        for start in range(0, len(value), AT_A_TIME):
            part = slice(start, start + AT_A_TIME)
            np.multiply(representative[part], weight, out=value[part])
            value[part] += (1 - weight) * diverse[part]
            value[part] -= self.penalty * np.log1p(self.usage[part], dtype=value.dtype)
        return value

    def _whole(self, epoch: int) -> bool:
        return epoch not in selecting_epochs(self.num_epochs, self.warmup_epochs, self.refine)

    def _scaled(self, name: str | None) -> MinMax:
        if name is not None:
            return MinMax.of(self.pool.score(name))
        return MinMax.of(np.broadcast_to(np.float32(0), self.pool.size))

    def _check(self) -> None:
        check_keep(self.keep)
        check_choice("tie_break", self.tie_break, ("index", "random"))
        check_fraction("alpha_min", self.alpha_min, "the weight at the end; the paper has 0.2")
        check_fraction("midpoint", self.midpoint, "a fraction of the run; the paper has 0.6")
        check_count("warmup_epochs", self.warmup_epochs, 0, "the number of whole epochs first")
        check_fraction("refine", self.refine, "the fraction of full epochs; the paper has 0.15")
        check_not_negative("penalty", self.penalty, "the weight of past use; the paper has 0.2")
        check_not_negative("sharpness", self.sharpness, "the fall per run; the paper fits 10")
        if self.alpha is not None:
            check_fraction("alpha", self.alpha, "a constant weight; None follows the schedule")
        if self.k_per_epoch is not None:
            check_not_negative(
                "k_per_epoch", self.k_per_epoch, "the fall per epoch; the paper has 0.05"
            )
