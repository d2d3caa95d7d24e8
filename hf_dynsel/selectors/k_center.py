"""Chooses rows that leave no sample far from a chosen one: greedy k-center."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from hf_dynsel.selectors.static_subset import StaticSubset


@dataclass
class KCenter(StaticSubset):
    """Starts with one sample and always adds the one farthest from all those chosen.

    The largest distance of a sample to the nearest chosen one is at most twice that of the best
    possible subset of this size. The order counts: a smaller `keep` gives the beginning of a
    larger one. Of equally far samples the lower row comes first, but for the rounding of float32,
    and duplicates come after all others. Far samples come early, and outliers and broken samples
    are among them.

    Args:
        keep: fraction of the pool.
        features: column of vectors, as they are to be compared; Euclidean distance.
        start: the first sample: `center` is the one nearest to the mean, `random` draws one by
            the seed, and a number is a row.

    Signal:
        Features, of any model. No labels.

    Cost:
        Once, at most O(N K d) time, as products of matrices, and O(N) memory beside the features
        (40 MB and 50 bytes per row; on an accelerator, a copy of the features). With d = 512 and
        keep 0.3, time grows as N squared.

    Reference:
        Sener and Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set
        Approach", ICLR 2018, algorithm 1: the greedy solution alone, and not the mixed integer
        program that may leave out outliers. There the search starts from the samples labelled so
        far; that it starts at the center of the pool is ours. DeepCore (Guo et al., 2022) starts
        at a random one and returns the subset sorted, which loses the order.
    """

    features: str = "features"
    start: Literal["center", "random"] | int = "center"

    def reads(self) -> frozenset[str]:
        """Returns the column of features."""
        return frozenset({self.features})

    def check(self) -> None:
        """Checks the start and that the pool has the features."""
        self.pool.column(self.features)
        known = self.start in ("center", "random")
        if not known and not (isinstance(self.start, int) and 0 <= self.start < self.pool.size):
            raise ValueError(
                f"start must be 'center', 'random' or a row from 0 to {self.pool.size - 1}, got "
                f"{self.start!r}"
            )

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, in the order of the search."""
        from hf_dynsel.scores.farthest_first import central_row, farthest_first

        column = self.pool.column(self.features)
        kind = np.result_type(column, np.float32)
        rows = np.require(column, kind, ["C_CONTIGUOUS", "WRITEABLE"])
        if self.start == "random":
            first = int(self.rng(0).integers(self.pool.size))
        else:
            first = central_row(rows) if isinstance(self.start, str) else self.start
        return farthest_first(rows, first, self.budget(self.keep))
