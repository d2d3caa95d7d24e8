"""The score that tells samples near the prototype of their cluster from those far off."""

import math
import warnings
from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.base import Columns, Score
from hf_dynsel.scores.density import unit
from hf_dynsel.scores.finite import require_finite

Metric = Literal["cosine", "euclidean"]

WHOLE_ROWS = 100_000  # up to which every round of k-means goes over all of them
RESTARTS = 4
BATCH_ROWS = 4096
CHUNK_ENTRIES = 2**24


@final
@dataclass(frozen=True, kw_only=True)
class PrototypeDistance(Score):
    """Takes the distance of a sample from the nearest mean that k-means finds; large means far off.

    Labels play no part but for the number of clusters. Up to 100,000 samples, it is the best of
    four runs of k-means; beyond, one run on small batches.

    Args:
        clusters: how many, at most one per sample. None takes the number of classes, or without
            labels the root of the number of samples.
        metric: `cosine` compares directions, on features scaled to length one; the distance is
            one less the cosine, at most two. `euclidean` takes the features as they are.
        seed: of the start of k-means.

    Cost:
        O(N d) time per cluster and round; a copy of the features in memory.

    Reference:
        Sorscher et al., "Beyond neural scaling laws: beating power law scaling via data pruning",
        NeurIPS 2022, arXiv 2206.14486, section 5: the cosine distance in the space of a
        self-supervised model, as many clusters as classes. The features are the dataset's. How
        they are scaled before k-means could not be read; scaling them, the restarts, the
        batches and the rule for unlabelled data are ours.
    """

    clusters: int | None = None
    metric: Metric = "cosine"
    seed: int = 0
    name: ClassVar[str] = "prototype_distance"
    columns: ClassVar[tuple[str, ...]] = ("features",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.metric not in ("cosine", "euclidean"):
            raise ValueError(f"metric must be 'cosine' or 'euclidean', got {self.metric!r}")
        if self.clusters is not None and self.clusters < 1:
            raise ValueError(f"clusters must be at least 1, got {self.clusters}")

    def compute(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, " n"]:
        """Returns the distance of each sample."""
        features = require_finite(columns["features"])
        if self.metric == "cosine":
            features = unit(features)
        clusters = self.clusters
        if clusters is None:
            unlabelled = round(math.sqrt(len(features)))
            clusters = unlabelled if labels is None else int(labels.max()) + 1
        prototypes, nearest = cluster(features, min(clusters, len(features)), self.seed)
        return distances(features, prototypes, nearest, self.metric)


def cluster(
    features: Float[np.ndarray, "n d"], clusters: int, seed: int
) -> tuple[Float[np.ndarray, "c d"], Int[np.ndarray, " n"]]:
    """Returns the means that k-means finds, and which of them is nearest to each row."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    if len(features) <= WHOLE_ROWS:
        kmeans = KMeans(clusters, n_init=RESTARTS, random_state=seed)
    else:
        kmeans = MiniBatchKMeans(clusters, n_init=1, batch_size=BATCH_ROWS, random_state=seed)
    with warnings.catch_warnings():
        # Of duplicates it says that there are fewer means than asked for, which is as it should be.
        warnings.filterwarnings("ignore", "Number of distinct clusters", ConvergenceWarning)
        nearest = kmeans.fit_predict(features)
    return kmeans.cluster_centers_, nearest


def distances(
    features: Float[np.ndarray, "n d"],
    prototypes: Float[np.ndarray, "c d"],
    nearest: Int[np.ndarray, " n"],
    metric: Metric,
) -> Float[np.ndarray, " n"]:
    """Returns the distance of each row from its prototype.

    Args:
        features: one row per sample.
        prototypes: one row per cluster.
        nearest: the cluster of each sample.
        metric: `cosine` or `euclidean`; zero vectors have a cosine of zero.
    """
    found = np.empty(len(features))
    step = max(1, CHUNK_ENTRIES // features.shape[1])
    for start in range(0, len(features), step):
        rows = slice(start, start + step)
        own, prototype = features[rows], prototypes[nearest[rows]]
        if metric == "cosine":
            pairs = unit(own), unit(prototype)
            found[rows] = 1 - np.einsum("nd,nd->n", *pairs, dtype=np.float64)
        else:
            found[rows] = np.linalg.norm(own - prototype, axis=1)
    return found
