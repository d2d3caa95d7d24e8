"""A score that adds up, over the active units of a sample, what each unit is worth."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.active import CODE_COLUMNS, ActiveUnits
from hf_dynsel.scores.base import Columns, Score
from hf_dynsel.scores.exchange import ALONE, Exchange

ClassCounts = Callable[[Int[np.ndarray, " m"]], Int[np.ndarray, " m"]]
TABLE_BYTES = 2**28


@dataclass(frozen=True, kw_only=True)
class CodeScore(Score):
    """Needs no more of the other samples than how often, and in how many classes, units are active.

    So a stream is scored as a dataset is, sample by sample, once these are known; and so are
    samples of which processes hold a stretch each: they exchange what they counted.

    Cost:
        Memory of up to 60 bytes per active unit of each row, beside its codes.
    """

    columns: ClassVar[tuple[str, ...]] = CODE_COLUMNS

    @abstractmethod
    def num_units(self, highest: int) -> int:
        """Returns how many units there are, given the highest that the codes name.

        Raises:
            ValueError: if there cannot be so many.
        """

    @abstractmethod
    def weights(
        self, counts: Int[np.ndarray, " units"], classes: ClassCounts | None
    ) -> Float[np.ndarray, " units"]:
        """Returns what each unit is worth.

        Args:
            counts: how many samples activate each unit.
            classes: returns how many classes the samples of some units are of; None for
                unlabelled data.
        """

    def compute(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, " n"]:
        """Returns the sum over the active units of each sample."""
        return self.compute_own(columns, labels, ALONE)

    def compute_own(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None, exchange: Exchange
    ) -> Float[np.ndarray, " n"]:
        """Returns the same for the samples of this process, among those of all.

        Args:
            columns: of this process's samples.
            labels: of these.
            exchange: with the processes that hold the others.
        """
        active = ActiveUnits.read(columns)
        num_units = self.num_units(exchange.highest(columns[CODE_COLUMNS[0]]))
        counts = exchange.total(active.counts(num_units))
        classes = None if labels is None else partial(class_counts, active, labels, exchange)
        return active.sums(self.weights(counts, classes))


def class_counts(
    active: ActiveUnits,
    labels: Int[np.ndarray, " n"],
    exchange: Exchange,
    units: Int[np.ndarray, " m"],
) -> Int[np.ndarray, " m"]:
    """Returns how many classes some units cover.

    The table of units x classes is made in blocks of bounded size; sorting the pairs instead
    takes 60 times as long.
    """
    place = np.full(max(active.units.max(initial=0), units.max(initial=0)) + 1, -1)
    place[units] = np.arange(len(units))
    places, classes = place[active.units], labels[active.samples]
    num_classes = exchange.highest(labels) + 1
    height = max(1, TABLE_BYTES // (4 * num_classes))
    covered = np.zeros(len(units), np.int64)
    for start in range(0, len(units), height):
        block = (places >= start) & (places < start + height)
        seen = np.zeros((min(height, len(units) - start), num_classes), np.int32)
        seen[places[block] - start, classes[block]] = 1
        covered[start : start + height] = (exchange.total(seen) > 0).sum(axis=1)
    return covered
