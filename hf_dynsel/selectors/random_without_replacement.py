"""Random subsets that use every sample equally often."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hf_dynsel.core import Selection, Selector, check_keep
from hf_dynsel.selectors.checks import check_count, check_fraction
from hf_dynsel.selectors.schedules import selecting_epochs


@dataclass
class RandomWithoutReplacement(Selector):
    """Walks through one random permutation of the pool after another, a budget at a time.

    Every epoch that selects has exactly the budget K, and after as many of them as there are
    samples each was used exactly K times; at any epoch the counts differ by at most one. An epoch
    that crosses from one permutation into the next takes no sample twice. Whole epochs before and
    after, which are off by default, give it the same ones as a method that it is compared with.

    Args:
        keep: fraction of the pool in each epoch that selects.
        warmup_epochs: that train on the whole pool first.
        refine: fraction of the run, rounded up to epochs, that trains on the whole pool last.

    Cost:
        O(N) time per epoch, however late, and no state.

    Reference:
        Okanovic et al., "Repeated Random Sampling for Minimizing the Time-to-Accuracy of
        Learning", ICLR 2024: RS2 without replacement. Departures: the released sampler has
        short, partly repeated epochs where K does not divide the pool; here the unused tail is
        carried over instead, and the next permutation swaps those samples out of its head.
        Beyond half of the pool the walk is over the samples to leave out. The whole epochs are
        ours; the walk goes on only in epochs that select.
    """

    keep: float = 0.3
    warmup_epochs: int = 0
    refine: float = 0.0

    def allocate(self) -> None:
        """Checks the hyperparameters."""
        check_keep(self.keep)
        check_count("warmup_epochs", self.warmup_epochs, 0, "the number of whole epochs first")
        check_fraction("refine", self.refine, "the fraction of whole epochs at the end")

    def select(self, epoch: int) -> Selection:
        """Returns the subset of `epoch`, from at most three permutations whatever the epoch."""
        size, budget, number = self.pool.size, self.planned_size(epoch), epoch - self.warmup_epochs
        if budget == size:
            return Selection(np.arange(size))
        if 2 * budget <= size:
            return Selection(np.sort(self._window(number, budget)))
        kept = np.ones(size, dtype=bool)
        kept[self._window(number, size - budget)] = False
        return Selection(np.flatnonzero(kept))

    def planned_size(self, epoch: int) -> int:
        """Returns the budget, or the size of the pool in a whole epoch."""
        selecting = selecting_epochs(self.num_epochs, self.warmup_epochs, self.refine)
        return self.budget(self.keep) if epoch in selecting else self.pool.size

    def _window(self, number: int, width: int) -> Int[np.ndarray, " w"]:
        """Returns the `number`-th run of `width` rows of the endless row of permutations."""
        turn, start = divmod(number * width, self.pool.size)
        window = self._permutation(turn, width)[start : start + width]
        if len(window) < width:
            rest = width - len(window)
            window = np.concatenate([window, self._permutation(turn + 1, width)[:rest]])
        return window

    def _permutation(self, turn: int, width: int) -> Int[np.ndarray, " n"]:
        """Returns a permutation whose head shares no row with the tail of the one before.

        Only the head and the window after it are changed. So a tail is always that of the raw
        permutation, and no turn depends on all earlier ones. The window after the head has
        enough rows to swap in: of `width` rows, at most `tail` minus the clashes are tail rows.
        """
        rows = self.rng(turn).permutation(self.pool.size)
        tail = turn * self.pool.size % width if width else 0
        if tail == 0:
            return rows
        head = width - tail
        in_tail = np.zeros(self.pool.size, dtype=bool)
        in_tail[self.rng(turn - 1).permutation(self.pool.size)[-tail:]] = True
        clash = np.flatnonzero(in_tail[rows[:head]])
        spare = head + np.flatnonzero(~in_tail[rows[head : head + width]])[: len(clash)]
        rows[clash], rows[spare] = rows[spare], rows[clash]
        return rows
