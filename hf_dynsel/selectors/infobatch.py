"""Drops easy samples at random and gives those that stay more weight, which leaves no bias."""

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.core import Feedback, Selection, Selector, check_keep
from hf_dynsel.selectors.checks import check_fraction
from hf_dynsel.selectors.ranking import top
from hf_dynsel.selectors.schedules import full_epochs


@dataclass
class InfoBatch(Selector):
    """Drops a random share of the easy samples: those whose last loss was below the mean.

    Of `n` easy samples `k` stay, and weigh `n / k` in the loss; all others weigh one. Every
    sample then has an expected weight of exactly one, and the sum of the weighted gradients over
    an epoch is on average that of the whole pool. The first epoch and the last ones train on
    everything. A sample that was never seen counts as the hardest.

    The loss is the one trained on, before weighting: with label smoothing or augmentation, that
    of the smoothed label and the augmented sample.

    Args:
        prune: share of the easy samples that an epoch drops; r in the paper. None is the paper's
            0.5, or with a `keep` below 0.6 as much more as it takes to give a sixth of the budget,
            or more, to the hardest: `1 - keep * 5 / 6`, which is 0.75 for 0.3.
        delta: share of the run, from its start, in which epochs prune.
        keep: fraction of the pool in each epoch that prunes. The easy samples are then those
            below the `(1 - keep) / prune` quantile of the losses, equal ones by row, and the
            sizes of all epochs are known before training. 0.3 needs a `prune` of 0.7 or more;
            with 0.75, the hardest 7 % are always in. None takes the mean, with which an epoch
            drops less than the share `prune` of the pool.

    Cost:
        O(N) time per epoch, 4 bytes of state per sample.

    Signal:
        The loss, per sample trained on.

    Reference:
        Qin et al., "InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data Pruning",
        ICLR 2024, section 2. Departures: the weight there is `1 / (1 - prune)`, which is too
        small where the number that stay was rounded down: one of 3 samples with weight 2 is an
        expected weight of 2/3. At least one easy sample stays. The first epoch is left whole by
        rule; in the released code equal initial losses do it, unless rounding lifts their mean
        above them. `keep`, and the rule for `prune` with it, are ours.
    """

    prune: float | None = None
    delta: float = 0.875
    keep: float | None = None
    losses: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    signals = frozenset({"loss"})

    def allocate(self) -> None:
        """Checks the hyperparameters and marks all samples as never seen."""
        self._check()
        self.losses = np.full(self.pool.size, np.inf, dtype=np.float32)

    def select(self, epoch: int) -> Selection:
        """Returns the hard samples and the easy ones that stay."""
        easy, dropped = self._easy() if self._prunes(epoch) else (np.empty(0, dtype=np.intp), 0)
        if dropped == 0:
            return Selection(np.arange(self.pool.size))
        stays = np.ones(self.pool.size, dtype=bool)
        stays[self.rng(epoch).choice(easy, dropped, replace=False, shuffle=False)] = False
        weights = np.ones(self.pool.size)
        weights[easy] = len(easy) / (len(easy) - dropped)
        return Selection(np.flatnonzero(stays), weights[stays])

    def planned_size(self, epoch: int) -> int | None:
        """Returns the size; None in the epochs that prune by the mean loss."""
        if not self._prunes(epoch):
            return self.pool.size
        return None if self.keep is None else self.budget(self.keep)

    def observe(self, feedback: Feedback) -> None:
        """Stores the losses; NaN counts as never seen."""
        loss = feedback.signals["loss"]
        self.losses[feedback.indices] = np.where(np.isnan(loss), np.inf, loss)

    def _prunes(self, epoch: int) -> bool:
        return 0 < epoch < self.num_epochs - full_epochs(1 - self.delta, self.num_epochs)

    def _easy(self) -> tuple[Int[np.ndarray, " e"], int]:
        """Returns the easy rows, and how many of them to drop: never all."""
        prune = self._prune()
        if self.keep is not None:
            dropped = self.pool.size - self.budget(self.keep)
            return top(-self.losses, min(math.ceil(dropped / prune), self.pool.size)), dropped
        seen = self.losses[np.isfinite(self.losses)]
        # In float64 the mean of equal float32 losses is that very loss, so none is below it.
        mean = seen.mean(dtype=np.float64) if len(seen) else -np.inf
        easy = np.flatnonzero(self.losses < mean)
        return easy, max(0, min(math.ceil(prune * len(easy)), len(easy) - 1))

    def _prune(self) -> Fraction:
        if self.prune is not None:
            return Fraction(str(self.prune))  # as a float, 0.07 of 100 rounds up to 8
        half = Fraction(1, 2)
        return half if self.keep is None else max(half, 1 - Fraction(str(self.keep)) * 5 / 6)

    def _check(self) -> None:
        if self.prune is not None and not 0 < self.prune < 1:
            raise ValueError(
                f"prune must be in (0, 1), got {self.prune}: it is the share of the easy samples "
                "that an epoch drops; the paper has 0.5, and FullData drops none"
            )
        check_fraction("delta", self.delta, "the share of the run that prunes; the paper has 0.875")
        if self.keep is None:
            return
        check_keep(self.keep)
        if self.prune is not None and self.prune < 1 - self.keep - 1e-9:
            raise ValueError(
                f"keep={self.keep} drops {1 - self.keep:.6g} of the pool, but prune={self.prune} "
                f"can drop no more than {self.prune}; set prune to {1 - self.keep:.6g} or more, "
                "or leave it out"
            )
