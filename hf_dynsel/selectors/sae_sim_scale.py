"""Chooses samples with many active SAE units, and leaves out those that are much like others."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from hf_dynsel.selectors.checks import check_choice
from hf_dynsel.selectors.feature_sets import CODES, FeatureSets
from hf_dynsel.selectors.static_subset import StaticSubset

CHUNK = 256  # rows that are counted together


@dataclass
class SAESimScale(StaticSubset):
    """Goes through the samples by their number of active units, and takes those with new ones.

    A sample is taken if less than a share of its units is covered by those taken before. Where
    fewer pass than the budget, the others follow by their number of units: with `k` active units
    each, a few thousand samples cover all, and most of a large subset are these others.

    Args:
        keep: fraction of the pool.
        threshold: share of covered units from which on a sample is passed over; tau.
        tie_break: `index` prefers the lower row; `random` draws one order per seed, for data
            sorted by class: all samples tie where all have `k` active units.

    Signal:
        SAE codes. No labels.

    Cost:
        Once, O(N k) for k active units and a sort. O(N k) memory.

    Reference:
        Yang et al., "Diversity-driven Data Selection for Language Model Tuning through Sparse
        Autoencoder", arXiv 2502.14050, 2025: SAE-SimScale. Only descriptions of the algorithm
        were at hand, not its listing: the threshold of 0.8 is not verified, and the ties and what
        follows when too few pass are ours. A sample without an active unit never passes.
    """

    threshold: float = 0.8
    tie_break: Literal["index", "random"] = "index"

    def reads(self) -> frozenset[str]:
        """Returns the two columns of codes."""
        return CODES

    def check(self) -> None:
        """Checks the hyperparameters, and that the pool has the codes."""
        if not 0 < self.threshold <= 1:
            raise ValueError(
                f"threshold must be in (0, 1], got {self.threshold}: it is the share of covered "
                "units from which on a sample is passed over"
            )
        check_choice("tie_break", self.tie_break, ("index", "random"))
        FeatureSets.check(self.pool)

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset: those that pass in their order, then the others in theirs."""
        rows = np.arange(self.pool.size)
        if self.tie_break == "random":
            rows = self.rng(0).permutation(rows)
        sets = FeatureSets.read(self.pool)
        return sim_scale(sets, rows, self.threshold, self.budget(self.keep))


def sim_scale(
    sets: FeatureSets, rows: Int[np.ndarray, " n"], threshold: float, count: int
) -> Int[np.ndarray, " k"]:
    """Returns `count` of the rows: those with enough new units, then the others.

    Args:
        sets: the units of each sample.
        rows: all samples; of those with equally many units, the first comes first.
        threshold: share of covered units from which on a sample is passed over.
        count: how many.
    """
    covered = sets.nothing_covered()
    sizes = sets.new(rows, covered)
    order = np.argsort(-sizes, kind="stable")
    ranked, sizes = rows[order], sizes[order]
    passed = np.zeros(len(rows), dtype=bool)
    for chunk in np.split(np.arange(np.count_nonzero(sizes)), range(CHUNK, len(rows), CHUNK)):
        old = sizes[chunk] - sets.new(ranked[chunk], covered)
        # The cover only grows: a sample that does not pass now will not pass later.
        for place in chunk[old / sizes[chunk] < threshold].tolist():
            old_now = sizes[place] - sets.new(ranked[place : place + 1], covered)[0]
            if old_now / sizes[place] < threshold:
                passed[place] = True
                covered[sets.units[ranked[place]]] = True
    return np.concatenate([ranked[passed], ranked[~passed]])[:count]
