"""Chooses hard samples in regions that the ones chosen before do not cover yet."""

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.neighbors import Backend
from hf_dynsel.selectors.checks import check_choice, check_count, check_not_negative
from hf_dynsel.selectors.class_quota import ClassQuota, Quota
from hf_dynsel.selectors.neighbor_graph import neighbor_graph
from hf_dynsel.selectors.ranking import top
from hf_dynsel.selectors.share import share
from hf_dynsel.selectors.static_subset import StaticSubset


@dataclass
class D2Pruning(StaticSubset):
    """Passes difficulty along a graph of neighbours, forward to add it and back to take it away.

    First, each sample's score grows by that of its neighbours, times `exp(-gamma_forward * d)`
    with the distance `d`: hard samples in dense regions come to the top. Then, again and again,
    the sample with the highest value is chosen, and each neighbour loses that value times
    `exp(-gamma_reverse * d)`. A value below zero takes nothing from the neighbours.

    The distances are those of the features as they are: features ten times as long pass next to
    nothing on. Scores that differ by a factor choose the same; those below zero are raised by
    one number, so that the lowest is zero.

    Args:
        keep: fraction of the pool.
        score: column of difficulty; higher means harder. The paper has the forgetting score, and
            the area under the margin, which is high for easy samples: `AUM` is turned already.
        features: column of vectors; Euclidean distance.
        neighbors: of each sample in the graph, before it is made symmetric; k in the paper.
        gamma_forward: how fast a message fades with distance on the way forward.
        gamma_reverse: the same on the way back.
        cutoff: fraction of the pool, rounded down, that is left out before all else: the hardest
            samples, many of them labelled wrong.
        squared: whether messages fade with the squared distance.
        quota: how the budget is split over classes. A class whose share is full gets no more; the
            graph is that of all.
        backend: `exact`, `hnsw`, or `auto` for the faster of the two here.

    Signal:
        A score column and features. Labels only with a quota.

    Cost:
        Once, the search for neighbours, O(N^2 d) for the exact one, and then O(N k log N).
        O(N (d + k)) memory. No table of all pairs.

    Reference:
        Maharana, Yadav and Bansal, "D2 Pruning: Message Passing for Balancing Diversity and
        Difficulty in Data Pruning", ICLR 2024, sections 3.2 and 3.3, and its released code. The
        paper's kernel is of the squared distance, as far as we know (we did not read it again);
        the code's is of the plain one, and so is our default. Departures: negative scores are
        raised, where the code sets them to a tiny number on the way forward and subtracts them,
        and so adds, on the way back; the budget of each class comes from one graph; the
        strata of the code are left out. The graph is sparse, where the code has all pairs.
    """

    score: str = "el2n"
    features: str = "features"
    neighbors: int = 5
    gamma_forward: float = 1.0
    gamma_reverse: float = 0.1
    cutoff: float = 0.0
    squared: bool = False
    quota: Quota = "none"
    backend: Backend = "auto"

    def reads(self) -> frozenset[str]:
        """Returns the column of features."""
        return frozenset({self.features})

    def check(self) -> None:
        """Checks the hyperparameters, and that the pool has the score and the features."""
        check_count("neighbors", self.neighbors, 1, "the neighbours of each sample in the graph")
        for name in ("gamma_forward", "gamma_reverse"):
            check_not_negative(name, getattr(self, name), "how fast messages fade with distance")
        check_choice("backend", self.backend, ("auto", "exact", "hnsw"))
        if not 0 <= self.cutoff <= 1 - self.keep + 1e-9:
            raise ValueError(
                f"cutoff must be in [0, 1 - keep], got {self.cutoff} with keep={self.keep}: what "
                f"is cut off cannot be kept; set cutoff to {1 - self.keep:.6g} or less"
            )
        self.pool.score(self.score)
        self.pool.column(self.features)
        ClassQuota.split(self.quota, 0, self.pool.labels)

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, in the order in which it was chosen."""
        scores = self.pool.score(self.score).astype(np.float64)
        rows = top(-scores, self.pool.size - share(self.cutoff, self.pool.size))
        scores = scores[rows] - min(0.0, scores[rows].min())
        features = self.pool.column(self.features)
        if len(rows) < len(features):
            features = features[rows]
        graph = neighbor_graph(features, self.neighbors, self.backend)
        values = scores + messages(graph, self.gamma_forward, self.squared) @ scores
        back = messages(graph, self.gamma_reverse, self.squared)
        return np.asarray(rows[pick(values, back, *self._limits(rows))])

    def _limits(
        self, rows: Int[np.ndarray, " n"]
    ) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " c"]]:
        """Returns the group of each row, and how many of each group to choose."""
        budget = self.budget(self.keep)
        if self.quota == "none" or self.pool.labels is None:
            return np.zeros(len(rows), dtype=np.int64), np.array([budget])
        cut = np.ones(self.pool.size, dtype=bool)
        cut[rows] = False
        sizes = ClassQuota.split(self.quota, budget, self.pool.labels, cut).sizes
        assert sizes is not None, "there are labels"
        return self.pool.labels[rows], sizes


def messages(graph: Any, gamma: float, squared: bool = False) -> Any:
    """Returns the share of a value that each neighbour gets, from a graph of distances."""
    shares = graph.astype(np.float64)
    shares.data = np.exp(-gamma * (shares.data**2 if squared else shares.data))
    return shares


def pick(
    values: Float[np.ndarray, " n"],
    shares: Any,
    groups: Int[np.ndarray, " n"],
    counts: Int[np.ndarray, " c"],
) -> Int[np.ndarray, " k"]:
    """Returns the rows chosen by value, each lowering its neighbours' values, in this order.

    Of equal values, the lower row comes first.

    Args:
        values: after the way forward.
        shares: a `scipy.sparse.csr_array`: that of a row's value which each neighbour loses.
        groups: from 0 to C-1.
        counts: how many rows to choose of each group.
    """
    values, left = values.astype(np.float64), counts.tolist()
    starts, others, losses = shares.indptr.tolist(), shares.indices, shares.data
    chosen: list[int] = []
    heap = [(-value, row) for row, value in enumerate(values.tolist())]
    heapq.heapify(heap)
    while len(chosen) < counts.sum():
        old, row = heap[0]
        value = float(values[row])
        if -old != value:  # lowered since; values only fall, so the top of the heap is not too low
            heapq.heapreplace(heap, (-value, row))
            continue
        heapq.heappop(heap)
        if left[groups[row]] == 0:
            continue
        left[groups[row]] -= 1
        chosen.append(row)
        near = slice(starts[row], starts[row + 1])
        values[others[near]] -= losses[near] * max(value, 0.0)
    return np.array(chosen, dtype=np.int64)
