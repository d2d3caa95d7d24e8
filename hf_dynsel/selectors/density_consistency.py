"""Sparse regions of the model's own features, as far as image and text agree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from hf_dynsel.core import Feedback, Selection, check_keep
from hf_dynsel.selectors.checks import check_choice, check_fraction, check_not_negative
from hf_dynsel.selectors.class_quota import ClassQuota, Quota
from hf_dynsel.selectors.fusion import best_weight, hold_out, require_memory
from hf_dynsel.selectors.live_density import LiveDensity, scaled_consistency
from hf_dynsel.selectors.ranking import top
from hf_dynsel.selectors.schedules import full_epochs


@dataclass
class DensityConsistency(LiveDensity):
    """Ranks by density times consistency, and marks what it selects for light augmentation.

    Density is the mean distance to the nearest neighbours among the features of the model that is
    being trained, scaled to [0, 1]: large where samples are sparse. Consistency is a score column,
    scaled to [0, 1]: small where image and label text disagree, as for wrong labels. Their
    product is large for what is underrepresented and probably labelled right.

    Args:
        keep: fraction of the pool in each epoch that selects.
        consistency: score column. None ranks by the density alone.
        rule: `topk` takes the highest values; `sample` draws without replacement, with odds in
            proportion to the value.
        floor: added to the values before `sample` draws, so that a zero can be drawn, too.
        fusion: `product`; `geometric`, the mean `density ** weight * consistency ** (1 - weight)`;
            or `learned`, the geometric mean whose weight is fitted at every look, to the held-out
            samples, as if `rule` were `topk` and there were no guard.
        weight: of the density in the geometric mean, and where `learned` starts. With 0, and
            without a guard, `geometric` looks at nothing.
        held_out: fraction of the pool that `learned` never trains on.
        guard: fraction of the budget that is kept for samples of low consistency whose loss falls:
            the hard ones among those that look wrong.
        guard_below: fraction of the pool, the least consistent, that counts as low.
        warmup_epochs: that train on the whole pool first.
        full_tail: fraction of the run, rounded up to epochs, that trains on the whole pool last.
        quota: how the budget is split over classes: `none`, `equal` or `proportional`.
        augment: whether selected samples are marked; epochs on the whole pool mark none.

    | variant | what to set |
    |---|---|
    | density only | `consistency=None` |
    | consistency only | `fusion="geometric", weight=0` |

    Reference:
        Yang et al., "When Dynamic Data Selection Meets Data Augmentation", ICML 2025, arXiv
        2505.03809. Only a summary of the paper could be read: the product, large for sparse
        regions, the min-max scaling and the augmentation of exactly the selected samples are its;
        the mean over 10 neighbours on L2-normalised penultimate features, selection by rank, one
        epoch of warm-up and no quota are our choices where it is silent. The other
        fusions and the guard answer questions it leaves open, and are off by default. `learned`
        takes the weight, of eleven, whose selection has the mean last-layer gradient that most
        lowers the held-out loss to first order, in the manner of Killamsetty et al., "GLISTER",
        AAAI 2021.
    """

    keep: float = 0.5
    consistency: str | None = "consistency"
    rule: Literal["topk", "sample"] = "topk"
    floor: float = 1e-3
    fusion: Literal["product", "geometric", "learned"] = "product"
    weight: float = 0.5
    held_out: float = 0.05
    guard: float = 0.0
    guard_below: float = 0.25
    warmup_epochs: int = 1
    full_tail: float = 0.0
    quota: Quota = "none"
    augment: bool = True
    losses: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    fall: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    learned_weight: Float[np.ndarray, " one"] = field(init=False, repr=False, compare=False)

    def allocate(self) -> None:
        """Scales the consistency and holds samples out, where asked to."""
        self._check()
        self._allocate_density()
        size = self.pool.size
        name = self.consistency
        self._consistency = None if name is None else scaled_consistency(self.pool, name)
        learns = self.fusion == "learned"
        self._held_out = hold_out(size, self.held_out if learns else 0.0, self.rng(0, stream=2))
        budget, labels = self.budget(self.keep), self.pool.labels
        self._quota = ClassQuota.split(self.quota, budget, labels, self._held_out)
        self._low = np.zeros(size, bool)
        if self._consistency is not None:
            least = top(-self._consistency, max(1, int(self.guard_below * size)))
            self._low[least] = True
        self.losses = np.full(size, -np.inf, np.float32)  # a first loss never falls
        self.fall = np.zeros(size, np.float32)
        self.learned_weight = np.array([self.weight])

    def density_epochs(self) -> range:
        """Returns the epochs that select, unless the density has no part in it."""
        unused = self.fusion == "geometric" and self.weight == 0 and not self.guard
        start = self.num_epochs if unused else self.warmup_epochs
        return range(start, self.num_epochs - full_epochs(self.full_tail, self.num_epochs))

    def sweep_signals(self) -> frozenset[str]:
        """Returns what a look must report."""
        wanted = {"features"}
        if self.guard:
            wanted.add("loss")
        if self.fusion == "learned":
            wanted.add("error")
        return frozenset(wanted)

    def augments(self) -> bool:
        """Returns whether selected samples are marked."""
        return self.augment

    def select(self, epoch: int) -> Selection:
        """Returns the samples of the highest values, marked for augmentation."""
        if self._trains_all(epoch):
            return Selection(np.flatnonzero(~self._held_out))
        values = self._drawn(self.value(), epoch) if self.rule == "sample" else self.value()
        if self.guard:
            values[self._guarded()] = np.inf
        values[self._held_out] = -np.inf
        chosen = self._quota.top(values)
        return Selection(chosen, augment=np.ones(len(chosen), bool) if self.augment else None)

    def planned_size(self, epoch: int) -> int:
        """Returns the budget, or the size of the pool less what is held out."""
        every = self.pool.size - int(self._held_out.sum())
        return every if self._trains_all(epoch) else self.budget(self.keep)

    def observe(self, feedback: Feedback) -> None:
        """Measures the density anew after a look, and how far losses fell since the last."""
        self._observe_density(feedback)
        if not feedback.swept:
            return
        if self.guard:
            losses, rows = feedback.signals["loss"], feedback.indices
            self.fall[rows] = self.losses[rows] - losses
            self.losses[rows] = losses
        if self.fusion == "learned":
            self.learned_weight[0] = best_weight(
                self._mixed, self._held_out, self._quota.top, feedback.signals
            )

    def value(self) -> Float[np.ndarray, " n"]:
        """Returns what the samples are ranked by."""
        if self._consistency is None:
            return self.sparsity()
        if self.fusion == "product":
            both: Float[np.ndarray, " n"] = self.sparsity() * self._consistency
            return both
        return self._mixed(float(self.learned_weight[0]))

    def diagnostics(self, epoch: int) -> Mapping[str, float]:
        """Returns the last search's recall and seconds, and a learned weight."""
        learned = {"density_weight": float(self.learned_weight[0])}
        return {**self.search_numbers(), **(learned if self.fusion == "learned" else {})}

    def _mixed(self, weight: float) -> Float[np.ndarray, " n"]:
        if self._consistency is None:
            return self.sparsity()
        mean: Float[np.ndarray, " n"] = self.sparsity() ** weight * self._consistency ** (
            1 - weight
        )
        return mean

    def _drawn(self, values: Float[np.ndarray, " n"], epoch: int) -> Float[np.ndarray, " n"]:
        # The largest of these keys are a draw without replacement (Efraimidis and Spirakis 2006).
        waiting = self.rng(epoch).exponential(size=len(values))
        keys: Float[np.ndarray, " n"] = -waiting / (values + self.floor)
        return keys

    def _guarded(self) -> Bool[np.ndarray, " n"]:
        fall = np.where(self._low & ~self._held_out, self.fall, 0.0)
        most = top(fall, max(1, int(self.guard * self.budget(self.keep))))
        marks = np.zeros(self.pool.size, bool)
        marks[most[fall[most] > 0]] = True
        return marks

    def _trains_all(self, epoch: int) -> bool:
        tail = full_epochs(self.full_tail, self.num_epochs)
        return epoch < self.warmup_epochs or epoch >= self.num_epochs - tail

    def _check(self) -> None:
        check_keep(self.keep)
        check_choice("rule", self.rule, ("topk", "sample"))
        check_choice("fusion", self.fusion, ("product", "geometric", "learned"))
        check_fraction("weight", self.weight, "the density's share of the geometric mean")
        check_fraction("full_tail", self.full_tail, "the fraction of full epochs at the end")
        check_fraction("guard", self.guard, "the fraction of the budget kept for hard samples")
        check_fraction("guard_below", self.guard_below, "the fraction of the pool that is low")
        check_not_negative("floor", self.floor, "added to the odds of a draw; ours is 0.001")
        if not isinstance(self.warmup_epochs, int) or self.warmup_epochs < 0:
            raise ValueError(
                f"warmup_epochs must be a whole number of epochs, at least 0, got "
                f"{self.warmup_epochs}"
            )
        if self.guard and self.refresh == "seen":
            raise ValueError(
                "guard follows the losses of samples that are not trained on, and refresh='seen' "
                "does not look at them; set refresh='full'"
            )
        if self.rule == "sample" and self.floor == 0:
            raise ValueError(
                "floor must be above 0 with rule='sample': the least consistent sample has the "
                "value zero, and could never be drawn; ours is 0.001"
            )
        if self.consistency is None and (self.guard or self.fusion != "product"):
            raise ValueError(
                f"consistency=None ranks by the density alone, so that guard={self.guard} and "
                f"fusion={self.fusion!r} do nothing; leave them out, or name a score column"
            )
        if self.fusion == "learned":
            require_memory(self.pool, self.refresh, self.keep, self.held_out)
