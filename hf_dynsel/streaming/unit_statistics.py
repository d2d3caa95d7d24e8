"""How often, and in how many classes, the units of a stream are active, and what scores follow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int

from hf_dynsel.scaling import MinMax
from hf_dynsel.scores.code_score import CodeScore
from hf_dynsel.streaming.shards import LABEL, active_units


@dataclass
class UnitStatistics:
    """Counts that are added up shard by shard; they take a byte per unit and class.

    Args:
        num_units: of the autoencoder.

    Attributes:
        counts: rows that activate each unit.
        covered: by label, which units its rows activate; empty for unlabelled data.
    """

    num_units: int
    counts: Int[np.ndarray, " units"] = field(init=False)
    covered: dict[Any, Bool[np.ndarray, " units"]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.counts = np.zeros(self.num_units, np.int64)

    def add(self, table: pa.Table) -> None:
        """Counts the rows of a shard."""
        active = active_units(table)
        self.counts += active.counts(self.num_units)
        if LABEL not in table.column_names:
            return
        labels = table[LABEL].to_numpy()
        values, classes = np.unique(labels, return_inverse=True)
        seen = np.zeros((len(values), self.num_units), bool)
        seen[classes[active.samples], active.units] = True
        for value, units in zip(values.tolist(), seen, strict=True):
            self.covered[value] = units | self.covered.get(value, False)

    def weights(self, score: CodeScore) -> Float[np.ndarray, " units"]:
        """Returns what each unit is worth to a score."""
        counts = np.zeros(score.num_units(self.num_units - 1), np.int64)
        counts[: self.num_units] = self.counts
        return score.weights(counts, self._classes() if self.covered else None)

    def _classes(self) -> Callable[[Int[np.ndarray, " m"]], Int[np.ndarray, " m"]]:
        total = np.zeros(self.num_units, np.int64)
        for units in self.covered.values():
            total += units
        return lambda units: total[units]


@dataclass
class Scorer:
    """Scores rows once the units are counted, in the arithmetic of `add_scores`.

    Args:
        score: normalised by its range or not at all.
        weights: what each unit is worth.

    Attributes:
        low: the lowest value before it is normalised.
        high: the highest.
    """

    score: CodeScore
    weights: Float[np.ndarray, " units"]
    low: np.float64 = field(init=False, default=np.float64(np.inf))
    high: np.float64 = field(init=False, default=np.float64(-np.inf))

    def widen(self, table: pa.Table) -> None:
        """Makes the range hold the values of a shard."""
        values = active_units(table).sums(self.weights)
        self.low, self.high = min(self.low, values.min()), max(self.high, values.max())

    def values(self, table: pa.Table) -> Float[np.ndarray, " n"]:
        """Returns the float32 scores of the rows of a shard."""
        values = active_units(table).sums(self.weights)
        if self.score.normalize is not None:
            values = MinMax(values, self.low, self.high - self.low)[:]
        return values.astype(np.float32)
