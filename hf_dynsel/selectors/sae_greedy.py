"""Chooses samples that together activate as many SAE units as possible."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from hf_dynsel.selectors.checks import check_choice
from hf_dynsel.selectors.feature_sets import CODES, FeatureSets
from hf_dynsel.selectors.static_subset import StaticSubset

CHUNK = 256  # rows that are counted again together


@dataclass
class SAEGreedy(StaticSubset):
    """Always adds the sample with the most active units that no chosen one has.

    When no sample has any, all units count as not covered again. Up to then, the units covered
    are at least 63 % (1 - 1/e) of those that the best subset of this size covers. Samples without
    an active unit come last.

    Args:
        keep: fraction of the pool.
        tie_break: `index` prefers the lower row; `random` draws one order per seed, for data
            sorted by class: most ties are between equal counts, and there are many.

    Signal:
        SAE codes. No labels.

    Cost:
        Once. Counting all units of all samples takes O(N k) for k active units; it is done a few
        times from one time that all units are covered to the next. O(N k) memory.

    Reference:
        Yang et al., "Diversity-driven Data Selection for Language Model Tuning through Sparse
        Autoencoder", arXiv 2502.14050, 2025: SAE-GreedSelect. Only descriptions of the algorithm
        were at hand, not its listing; the ties and the reset are ours. There the codes are those
        of the tokens of a text under Llama 3.1 8B, above a threshold of 10; here they are those
        of the columns, above zero.
    """

    tie_break: Literal["index", "random"] = "index"

    def reads(self) -> frozenset[str]:
        """Returns the two columns of codes."""
        return CODES

    def check(self) -> None:
        """Checks the hyperparameters, and that the pool has the codes."""
        check_choice("tie_break", self.tie_break, ("index", "random"))
        FeatureSets.check(self.pool)

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, in the order in which it was chosen."""
        rows = np.arange(self.pool.size)
        if self.tie_break == "random":
            rows = self.rng(0).permutation(rows)
        return greedy_cover(FeatureSets.read(self.pool), rows, self.budget(self.keep))


def greedy_cover(
    sets: FeatureSets, rows: Int[np.ndarray, " n"], count: int
) -> Int[np.ndarray, " k"]:
    """Returns `count` of the rows, each with the most units that those before it do not cover.

    How much a row adds can only fall while the cover grows. So rows are looked at level by
    level: those that once added most are counted again, and those that still do are taken, in
    order. This is lazy greedy search with a bucket for each whole number in place of a heap.

    Args:
        sets: the units of each sample.
        rows: all samples; the first of equals is taken.
        count: how many.
    """
    adds, chosen = sets.new(rows, sets.nothing_covered()), [rows[:0]]
    while count:
        places = _cover(sets, rows, adds.copy(), count)
        if not len(places):  # nothing that is left has a unit
            places = np.arange(count)
        chosen.append(rows[places])
        count -= len(places)
        rows, adds = np.delete(rows, places), np.delete(adds, places)
    return np.concatenate(chosen)


def _cover(
    sets: FeatureSets, rows: Int[np.ndarray, " n"], adds: Int[np.ndarray, " n"], count: int
) -> Int[np.ndarray, " k"]:
    """Returns the places of the rows that add most, in order, until `count`, or none adds any.

    Args:
        sets: the units of each sample.
        rows: candidates.
        adds: how much each adds to nothing; lowered in place as the cover grows.
        count: how many.
    """
    covered = sets.nothing_covered()
    taken: list[int] = []
    for level in range(int(adds.max(initial=0)), 0, -1):
        places, size = np.flatnonzero(adds == level), CHUNK
        while len(places):
            chunk, places = places[:size], places[size:]
            before = len(taken)
            adds[chunk] = sets.new(rows[chunk], covered)
            for place in chunk[adds[chunk] == level].tolist():
                units = sets.units[rows[place]]
                adds[place] = len(units) - np.count_nonzero(covered[units])
                if adds[place] < level:
                    continue
                taken.append(place)
                if len(taken) == count:
                    return np.array(taken, dtype=np.int64)
                covered[units], adds[place] = True, 0
            size = 2 * size if len(taken) == before else CHUNK
    return np.array(taken, dtype=np.int64)
