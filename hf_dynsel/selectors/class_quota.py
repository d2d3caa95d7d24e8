"""Picks the highest values of a pool, split over its classes as asked."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int, Shaped

from hf_dynsel.selectors.checks import check_choice
from hf_dynsel.selectors.quota import equal_quota, proportional_quota
from hf_dynsel.selectors.ranking import ClassGroups, top, top_per_class

Quota = Literal["equal", "proportional", "none"]
SPLITS = {"equal": equal_quota, "proportional": proportional_quota}


@dataclass(frozen=True)
class ClassQuota:
    """How many samples of each class to pick; computed once and used every epoch.

    Args:
        budget: samples in all.
        groups: the classes. None ranks all samples together.
        sizes: how many of each class.
    """

    budget: int
    groups: ClassGroups | None = None
    sizes: Int[np.ndarray, " c"] | None = None

    @classmethod
    def split(
        cls,
        quota: str,
        budget: int,
        labels: Int[np.ndarray, " n"] | None,
        barred: Bool[np.ndarray, " n"] | None = None,
    ) -> "ClassQuota":
        """Returns the split of a budget.

        Args:
            quota: how to split; `none` ranks all classes together.
            budget: samples in all.
            labels: class of each sample, from 0 to C-1.
            barred: samples that are never picked, whose values are minus infinity.

        Raises:
            ValueError: if the quota is unknown, or needs labels and there are none.
        """
        check_choice("quota", quota, ("equal", "proportional", "none"))
        if quota == "none":
            return cls(budget)
        if labels is None:
            raise ValueError(
                f"quota={quota!r} needs class labels, and the pool has none; give the pool labels, "
                "or set quota='none'"
            )
        groups = ClassGroups.of(labels)
        there = groups.sizes
        if barred is not None:
            there = there - np.bincount(labels[barred], minlength=len(there))
        return cls(budget, groups, SPLITS[quota](there, budget))

    def top(
        self, values: Shaped[np.ndarray, " n"], rng: np.random.Generator | None = None
    ) -> Int[np.ndarray, " k"]:
        """Returns the rows of the highest values within the split, in rising order.

        Args:
            values: numbers without NaN.
            rng: breaks ties at the border at random. None prefers the lower row.
        """
        if self.groups is None or self.sizes is None:
            return top(values, self.budget, rng)
        return top_per_class(values, self.groups, self.sizes, rng)
