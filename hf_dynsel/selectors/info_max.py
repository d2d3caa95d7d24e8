"""Chooses important samples that are little alike, by a relaxed quadratic program."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num

from hf_dynsel.scaling import minmax
from hf_dynsel.scores.density import unit
from hf_dynsel.scores.neighbors import Backend
from hf_dynsel.selectors.capped_simplex import project
from hf_dynsel.selectors.checks import check_choice, check_count, check_not_negative
from hf_dynsel.selectors.neighbor_graph import neighbor_graph
from hf_dynsel.selectors.ranking import top
from hf_dynsel.selectors.static_subset import StaticSubset

STEPS = 300
POWER_STEPS = 50
NONE = 1e-12  # a slope of less, beside the importance, is rounding


@dataclass
class InfoMax(StaticSubset):
    """Maximises the importance of the subset less the likeness of the samples in it.

    With the importance `I`, a score scaled to [0, 1] over the pool, and the cosine `S` between
    near neighbours, the subset is to have the largest
    `sum of I[i] - alpha * scale * sum of S[i, j]`, where the second sum is over ordered pairs of
    the subset, so that each pair counts twice. The `scale` makes the two sums equal for the whole
    pool where `alpha` is one.

    Args:
        keep: fraction of the pool.
        score: column of importance; higher means more worth keeping.
        features: column of vectors, which are compared by their cosine.
        alpha: weight of the likeness. With zero the subset is that of the highest scores.
        neighbors: of each sample in the graph, before it is made symmetric; others count as not
            alike at all.
        backend: `exact`, `hnsw`, or `auto` for the faster of the two here.

    Signal:
        A score column and features. No labels.

    Cost:
        Once, the search for neighbours, O(N^2 d) for the exact one, and then 300 steps of
        O(N k). O(N (d + k)) memory, with a copy of the features.

    Reference:
        Tan et al., "Data Pruning by Information Maximization", ICLR 2025: the objective. Only
        summaries of the paper were at hand, which give neither alpha, the number of neighbours,
        the steps nor the update. Ours are: 10 neighbours, cosine with negative ones set to zero,
        the scale of alpha, 300 steps of projected gradient from equal shares with a step of
        1 / (2 alpha |S|), and rounding to the largest shares. The paper splits the pool into
        blocks for its size; we keep it whole. Where the highest scores reach a higher objective
        than the rounded solution, they are the subset.
    """

    score: str = "el2n"
    features: str = "features"
    alpha: float = 1.0
    neighbors: int = 10
    backend: Backend = "auto"

    def reads(self) -> frozenset[str]:
        """Returns the column of features."""
        return frozenset({self.features})

    def check(self) -> None:
        """Checks the hyperparameters, and that the pool has the score and the features."""
        check_not_negative("alpha", self.alpha, "the weight of the likeness within the subset")
        check_count("neighbors", self.neighbors, 1, "the neighbours of each sample in the graph")
        check_choice("backend", self.backend, ("auto", "exact", "hnsw"))
        self.pool.score(self.score)
        self.pool.column(self.features)

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, sorted."""
        importance = minmax(self.pool.score(self.score))
        if self.alpha == 0:
            return top(importance, self.budget(self.keep))
        likeness = cosines(self.pool.column(self.features), self.neighbors, self.backend)
        both = importance.sum(dtype=np.float64), likeness.sum(dtype=np.float64)
        scale = both[0] / both[1] if min(both) > 0 else 1.0
        return info_max(importance, likeness, self.alpha * scale, self.budget(self.keep))


def cosines(features: Num[np.ndarray, "n d"], neighbors: int, backend: Backend = "auto") -> Any:
    """Returns a symmetric `scipy.sparse.csr_array` of the cosines between near neighbours.

    Negative ones, and those of a row of zeros, are zero.
    """
    rows = unit(features.astype(np.result_type(features, np.float32), copy=False))
    lengths = np.einsum("nd,nd->n", rows, rows).round()  # zero or one
    graph = neighbor_graph(rows, neighbors, backend)
    both = np.repeat(lengths, np.diff(graph.indptr)) + lengths[graph.indices]
    graph.data = np.maximum((both - graph.data**2) / 2, 0).astype(np.float32)
    return graph


def objective(
    chosen: Int[np.ndarray, " k"],
    importance: Float[np.ndarray, " n"],
    likeness: Any,
    alpha: float,
) -> float:
    """Returns the importance of the subset less `alpha` times its likeness, over ordered pairs."""
    inside = np.zeros(len(importance))
    inside[chosen] = 1
    return float(importance @ inside - alpha * (inside @ (likeness @ inside)))


def info_max(
    importance: Float[np.ndarray, " n"], likeness: Any, alpha: float, count: int
) -> Int[np.ndarray, " k"]:
    """Returns `count` rows, sorted, with a high objective: never below that of the most important.

    Args:
        importance: of each row.
        likeness: a symmetric `scipy.sparse.csr_array`, not negative, with a zero diagonal.
        alpha: weight of the likeness.
        count: how many rows.
    """
    best = top(importance, count)
    slope = 2 * alpha * spectral_norm(likeness)
    if slope <= NONE * np.abs(importance).max():
        return best
    shares = np.full(len(importance), count / len(importance), dtype=importance.dtype)
    shift = 0.0
    for _ in range(STEPS):
        gradient = importance - 2 * alpha * (likeness @ shares)
        shares, shift = project(shares + gradient / slope, count, shift)
    rounded = top(shares, count)
    values = [objective(rows, importance, likeness, alpha) for rows in (rounded, best)]
    return rounded if values[0] >= values[1] else best


def spectral_norm(matrix: Any) -> float:
    """Returns the largest eigenvalue of a symmetric matrix without negative entries."""
    vector = np.ones(matrix.shape[0], dtype=matrix.dtype)
    norm = 0.0
    for _ in range(POWER_STEPS):
        vector = matrix @ (vector / np.linalg.norm(vector))
        norm = float(np.linalg.norm(vector))
        if norm == 0:
            break
    return norm
