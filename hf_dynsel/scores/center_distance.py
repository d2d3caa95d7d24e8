"""The score that tells samples near the centre of their class from those far off."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.base import Columns, Score
from hf_dynsel.scores.class_rows import class_rows
from hf_dynsel.scores.finite import require_finite


@final
@dataclass(frozen=True, kw_only=True)
class CenterDistance(Score):
    """Takes the Euclidean distance of a sample from the centre of its class; large means far off.

    `hf_dynsel.selectors.Moderate` keeps the middle of it. A sample alone in its class is its own
    centre.

    Args:
        center: `median` takes the median of each feature, `mean` the mean.

    Cost:
        O(N d) time, a copy of the largest class in memory.

    Reference:
        Xia et al., "Moderate Coreset: A Universal Method of Data Selection for Real-world
        Data-efficient Deep Learning", ICLR 2023. The paper says the class centre, and the
        released code takes the median, as we do. There the features are those that the
        classifier receives, of a model trained on all data; here they are the dataset's.
    """

    center: Literal["median", "mean"] = "median"
    name: ClassVar[str] = "center_distance"
    columns: ClassVar[tuple[str, ...]] = ("features",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.center not in ("median", "mean"):
            raise ValueError(f"center must be 'median' or 'mean', got {self.center!r}")

    def compute(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, " n"]:
        """Returns the distance of each sample."""
        features = require_finite(columns["features"])
        distances = np.empty(len(features))
        for rows in class_rows(labels, self.name):
            own = features[rows]
            if self.center == "median":
                own -= np.median(own, axis=0)
            else:
                own -= own.mean(axis=0, dtype=np.float64)
            distances[rows] = np.sqrt(np.einsum("md,md->m", own, own, dtype=np.float64))
        return distances
