"""The score that favours samples that lie apart from others of their class."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.base import Columns, Score
from hf_dynsel.scores.class_rows import class_rows
from hf_dynsel.scores.density import density, unit
from hf_dynsel.scores.finite import require_finite

MOST, PART = 100, 0.1


@final
@dataclass(frozen=True, kw_only=True)
class ClassSpread(Score):
    """Averages the distances of a sample to its nearest neighbours of the same class.

    Features are scaled to length one. A sample alone in its class is as spread as the most
    spread other one.

    Args:
        neighbors: how many, the sample itself not counted; at most the others of its class. None
            takes a tenth of the class, from 1 to 100.

    Cost:
        O(n² d) time for each class of n samples, class by class; the memory of the exact search
        for neighbours in the largest class.

    Reference:
        Yang et al., "A CLIP-Powered Framework for Robust and Generalizable Data Selection", ICLR
        2025, arXiv 2410.11215: SDS. Departures: there the features are those of CLIP's image
        tower after its adapter; here they are the dataset's, which untrained adapters would only
        scale to length one. The released code has 49 neighbours on CIFAR-100 and 99 on CIFAR-10,
        and takes it that the data is sorted by class with equally many samples in each.
    """

    neighbors: int | None = None
    name: ClassVar[str] = "class_spread"
    columns: ClassVar[tuple[str, ...]] = ("features",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.neighbors is not None and self.neighbors < 1:
            raise ValueError(
                f"neighbors must be at least 1, got {self.neighbors}; None takes a tenth of the "
                "class"
            )

    def compute(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, " n"]:
        """Returns the mean distance of each sample."""
        features = require_finite(columns["features"])
        distances = np.full(len(features), -1.0)
        for rows in class_rows(labels, self.name):
            if wanted := min(self._wanted(len(rows)), len(rows) - 1):
                distances[rows] = density(unit(features[rows]), wanted, "exact")
        alone = distances < 0
        distances[alone] = max(0.0, distances.max())
        return distances

    def _wanted(self, size: int) -> int:
        if self.neighbors is not None:
            return self.neighbors
        return min(MOST, max(1, round(PART * size)))
