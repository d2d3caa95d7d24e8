"""How many epochs of a method fit into a number of seconds, from what a pilot run took."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hf_dynsel import selectors
from hf_dynsel.compare.table import charged_seconds
from hf_dynsel.report.summary import Summary
from hf_dynsel.selectors.static_subset import StaticSubset

ONCE = ("features", "sae", "adapters", "proxy", "scores")  # stages before training


@dataclass(frozen=True)
class Pilot:
    """What a run took.

    Args:
        overhead: seconds that do not depend on the number of epochs.
        per_epoch: seconds that each epoch adds, on average.
    """

    overhead: float
    per_epoch: float

    def epochs_within(self, budget: float) -> int:
        """Returns how many whole epochs fit into a budget of seconds, overhead included."""
        return max(0, math.floor((budget - self.overhead) / self.per_epoch + 1e-9))

    def describe(self) -> str:
        """Returns the numbers in words."""
        return f"{self.overhead:,.2f} s of overhead and {self.per_epoch:,.3f} s per epoch"


def pilot_of(run: Summary, selector: Mapping[str, Any]) -> Pilot:
    """Returns what a run took, evaluation left out.

    A method that chooses once selects before training; of others, selection is part of an epoch.

    Args:
        run: of the method.
        selector: section of the method.
    """
    chooses_once = issubclass(getattr(selectors, selector["name"]), StaticSubset)
    stages = (*ONCE, "select") if chooses_once else ONCE
    overhead = sum(run.seconds.get(stage, 0.0) for stage in stages)
    return Pilot(overhead, (charged_seconds(run) - overhead) / run.epochs)
