"""How sparse the features of the model that is being trained are around each sample."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from hf_dynsel.core import Feedback, Pool, Selector, Sweep
from hf_dynsel.extras import require
from hf_dynsel.scaling import minmax
from hf_dynsel.scores.density import unit
from hf_dynsel.scores.neighbors import Backend, search
from hf_dynsel.scores.normalize import rank
from hf_dynsel.selectors.checks import check_choice


@dataclass
class LiveDensity(Selector):
    """A selector that measures, before an epoch, how far each sample is from its neighbours.

    Args:
        neighbors: how many, the sample itself not counted; k in the paper.
        backend: `exact`, `hnsw`, or `auto` for the faster of the two here.
        normalize: `minmax` scales the mean distance by its range, which one outlier can rule;
            `rank` is robust against it.
        refresh: `full` looks at the whole pool; `seen` at what was trained on since the last
            look, and keeps the other samples' old features, which takes the memory of all.
        refresh_every: epochs from one look to the next.

    Attributes:
        distances: mean distance of each sample to its neighbours, at the last look.
        features: of each sample, where only those seen are refreshed.
        seen: which samples were trained on since the last look.
    """

    neighbors: int = 10
    backend: Backend = "auto"
    normalize: Literal["minmax", "rank"] = "minmax"
    refresh: Literal["full", "seen"] = "full"
    refresh_every: int = 1
    distances: Float[np.ndarray, " n"] = field(init=False, repr=False, compare=False)
    features: Float[np.ndarray, "n d"] = field(init=False, repr=False, compare=False)
    seen: Bool[np.ndarray, " n"] = field(init=False, repr=False, compare=False)

    @abstractmethod
    def density_epochs(self) -> range:
        """Returns the epochs that need the density."""

    @abstractmethod
    def sweep_signals(self) -> frozenset[str]:
        """Returns what a look must report; "features" is among it."""

    def sweep(self, epoch: int) -> Sweep | None:
        """Returns the samples to look at; None in epochs that need no look."""
        epochs = self.density_epochs()
        if epoch not in epochs or (epoch - epochs.start) % self.refresh_every:
            return None
        seen_only = self.refresh == "seen" and self.features.size
        rows = np.flatnonzero(self.seen) if seen_only else np.arange(self.pool.size)
        return Sweep(rows, self.sweep_signals())

    def _allocate_density(self) -> None:
        check_choice("normalize", self.normalize, ("minmax", "rank"))
        check_choice("refresh", self.refresh, ("full", "seen"))
        check_choice("backend", self.backend, ("auto", "exact", "hnsw"))
        if self.refresh_every < 1:
            raise ValueError(f"refresh_every must be at least 1 epoch, got {self.refresh_every}")
        if not 1 <= self.neighbors < self.pool.size:
            raise ValueError(
                f"neighbors must be from 1 to the pool's size less one, got {self.neighbors} for "
                f"{self.pool.size} samples; lower it, or give more samples"
            )
        if self.backend == "hnsw":
            require("usearch.index", "neighbors")
        self.distances = np.zeros(self.pool.size, np.float32)
        self.features = np.zeros((self.pool.size, 0), np.float32)
        self.seen = np.zeros(self.pool.size, bool)
        self._search: dict[str, float] = {}

    def _observe_density(self, feedback: Feedback) -> None:
        if not feedback.swept:
            self.seen[feedback.indices] = True
            return
        features = unit(feedback.signals["features"])
        if self.refresh == "seen":
            if not self.features.size:
                self.features = np.zeros((self.pool.size, features.shape[1]), np.float32)
            self.features[feedback.indices] = features
            features = self.features
        found = search(features, self.neighbors, self.backend, self.seed)
        self.distances[:] = found.distances.mean(axis=1)
        self.seen[:] = False
        self._search = {
            "recall": found.recall,
            "seconds_build": found.seconds_build,
            "seconds_query": found.seconds_query,
        }

    def sparsity(self) -> Float[np.ndarray, " n"]:
        """Returns how sparse it is around each sample, from 0 to 1; 1 where none differ."""
        if np.ptp(self.distances) == 0:  # zeros would let nothing else decide
            return np.ones_like(self.distances)
        return minmax(self.distances) if self.normalize == "minmax" else rank(self.distances)

    def search_numbers(self) -> Mapping[str, float]:
        """Returns the recall and the seconds of the last search for neighbours."""
        return self._search


def scaled_consistency(pool: Pool, name: str) -> Float[np.ndarray, " n"]:
    """Returns a score column from 0 to 1.

    Raises:
        ValueError: if all samples have one value: a product with it would be zero everywhere.
    """
    column = pool.score(name)
    if pool.size > 1 and np.ptp(column) == 0:
        raise ValueError(
            f"score column '{name}' has the value {column[0]:g} for all samples, so that it tells "
            "none apart; compute it again, or select without it"
        )
    return minmax(column)
