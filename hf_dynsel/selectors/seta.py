"""A window that slides from samples of low loss to samples of high loss, again and again."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from hf_dynsel.core import Feedback, Selection, Selector, check_keep
from hf_dynsel.selectors.checks import check_count, check_fraction
from hf_dynsel.selectors.loss_groups import loss_groups
from hf_dynsel.selectors.ranking import top
from hf_dynsel.selectors.schedules import full_epochs


@dataclass
class SeTa(Selector):
    """Draws from a window of similar losses, which moves from easy to hard, again and again.

    The losses that samples had when last trained on are put into groups by k-means. An epoch
    draws its budget uniformly from a window of neighbouring groups; each epoch the window moves
    up by one group, and from the hardest groups back to the easiest. Where the window has fewer
    samples than the budget, all of it is taken, and the rest drawn from the groups nearest to it.
    The first epoch trains on the whole pool, and the last ones on uniform draws from it. A sample
    that was never seen is in the hardest group.

    Args:
        keep: fraction of the pool in each epoch but the first.
        groups: number of groups, fewer where losses are equal.
        window: fraction of the groups in the window, rounded to the nearest, at least one.
        delta: share of the run, from its start, in which windows slide.

    Cost:
        O(N ln N) time per epoch, 4 bytes of state per sample.

    Signal:
        The loss, per sample trained on.

    Reference:
        Zhou et al., "Scale Efficient Training for Large Datasets", CVPR 2025, arXiv 2503.13385,
        of which the abstract and the released code could be read; the defaults are the code's.
        Departures: the code draws a share of the pool first, clusters what it drew and takes all
        of the window, so that an epoch has as many samples as happen to be there. Here the window
        comes first and the draw after it, in the size of the budget; for groups of equal size,
        `keep` is its share times `window`. Its first epoch is a draw, too, and samples never
        seen count as having a loss of 3; its first window is the second easiest; equal losses are
        split into groups by row; its uniform draws at the end are larger than the windows.
    """

    keep: float = 0.3
    groups: int = 10
    window: float = 0.5
    delta: float = 0.875
    losses: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    signals = frozenset({"loss"})

    def allocate(self) -> None:
        """Checks the hyperparameters and marks all samples as never seen."""
        check_keep(self.keep)
        check_count("groups", self.groups, 1, "the number of groups; the released code has 10")
        check_fraction("window", self.window, "the fraction of the groups in the window")
        check_fraction("delta", self.delta, "the share of the run with windows; the code has 0.875")
        self.losses = np.full(self.pool.size, np.inf, dtype=np.float32)

    def select(self, epoch: int) -> Selection:
        """Returns a uniform draw from the window, or from the pool in the last epochs."""
        if epoch == 0:
            return Selection(np.arange(self.pool.size))
        keys = self.rng(epoch).random(self.pool.size)
        if epoch < self.num_epochs - full_epochs(1 - self.delta, self.num_epochs):
            group = loss_groups(self.losses, self.groups)
            found = int(group.max()) + 1
            width = max(1, round(found * self.window))
            first = (epoch - 1) % (found - width + 1)
            # Keys are below one: a group is drawn from only after those nearer to the window.
            keys -= np.maximum(first - group, group - (first + width - 1)).clip(min=0)
        return Selection(top(keys, self.budget(self.keep)))

    def planned_size(self, epoch: int) -> int:
        """Returns the budget, or the size of the pool in the first epoch."""
        return self.budget(self.keep) if epoch else self.pool.size

    def observe(self, feedback: Feedback) -> None:
        """Stores the losses; what is no finite number counts as never seen."""
        loss = feedback.signals["loss"]
        self.losses[feedback.indices] = np.where(np.isfinite(loss), loss, np.inf)
