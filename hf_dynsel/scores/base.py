"""The interface of a score: NumPy columns in, one number per sample out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, get_args

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.normalize import Normalization, normalized

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Score(ABC):
    """Says how much each sample is worth keeping; higher means more.

    A subclass is final, and a frozen dataclass whose fields are the settings.

    Args:
        normalize: how the values are put on the scale from 0 to 1: by their range or by their
            rank, over the whole dataset or within each class, or None for not at all.

    Attributes:
        name: the score's column is called `score_<name>`.
        columns: the columns it reads.
    """

    normalize: Normalization | None = "minmax"
    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        if self.normalize not in (None, *get_args(Normalization)):
            raise ValueError(
                f"normalize must be one of {get_args(Normalization)} or None, "
                f"got {self.normalize!r}"
            )

    @abstractmethod
    def compute(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, " n"]:
        """Returns the score of every sample, before it is normalised.

        Args:
            columns: the columns that the score reads, one row per sample.
            labels: class of each sample, from 0 to C-1, as the learner sees it; None for
                unlabelled data.
        """

    def resolve(self, notes: Mapping[str, Any]) -> "Score":
        """Returns the score with the settings that depend on how its columns were made.

        Args:
            notes: the provenance that the dataset carries, by stage.
        """
        return self

    def config(self) -> dict[str, Any]:
        """Returns the settings, ready for a recipe."""
        return asdict(self)

    def values(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, " n"]:
        """Returns the score of every sample, normalised.

        Raises:
            ValueError: if a value is NaN or infinite, or classes are asked for and there are none.
        """
        raw = self.compute(columns, labels)
        self.require_finite(raw)
        return normalized(raw, self.normalize, labels)

    def require_finite(self, raw: Float[np.ndarray, " n"], first: int = 0) -> None:
        """Raises ValueError if a value is NaN or infinite.

        Args:
            raw: values of consecutive rows.
            first: of these rows.
        """
        bad = np.flatnonzero(~np.isfinite(raw))
        if len(bad):
            raise ValueError(
                f"score '{self.name}' is NaN or infinite for {len(bad)} rows, the first is row "
                f"{first + bad[0]}; check {' and '.join(self.columns)} there"
            )
