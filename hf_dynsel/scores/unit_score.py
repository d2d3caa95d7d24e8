"""The interface of a score that adds up what a sample's active units are worth."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.active import CODE_COLUMNS, ActiveUnits
from hf_dynsel.scores.base import Columns, Score
from hf_dynsel.scores.exchange import ALONE, Exchange


@dataclass(frozen=True, kw_only=True)
class UnitScore(Score):
    """Adds up, over a sample's active units, what they are worth in the whole dataset.

    Samples can be scored where they are: processes that hold a stretch of the rows each exchange
    what they counted, and get what one would that holds all.

    Cost:
        Memory of up to 60 bytes per active unit of each row, beside its codes.
    """

    columns: ClassVar[tuple[str, ...]] = CODE_COLUMNS

    @abstractmethod
    def worth(
        self,
        active: ActiveUnits,
        highest: int,
        labels: Int[np.ndarray, " n"] | None,
        exchange: Exchange,
    ) -> Float[np.ndarray, " units"]:
        """Returns what each unit is worth, from the lowest up to at least the highest.

        Args:
            active: units of this process's rows.
            highest: unit that the codes name, of all rows.
            labels: classes of this process's rows.
            exchange: with the processes that hold the other rows.
        """

    def compute(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, " n"]:
        """Returns the sum of every sample's units."""
        return self.compute_own(columns, labels, ALONE)

    def compute_own(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None, exchange: Exchange
    ) -> Float[np.ndarray, " n"]:
        """Returns the same for the rows of this process, among those of all."""
        named = columns[CODE_COLUMNS[0]]
        highest = exchange.joined(np.array([named.max(initial=0)], np.int64)).max()
        active = ActiveUnits.read(columns)
        return active.sums(self.worth(active, int(highest), labels, exchange))
