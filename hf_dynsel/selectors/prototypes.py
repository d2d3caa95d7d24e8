"""The samples far from, or near to, the prototype of their cluster."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.selectors.checks import check_choice, check_fraction
from hf_dynsel.selectors.ranking import ClassGroups, top, top_per_class
from hf_dynsel.selectors.static_subset import StaticSubset


@dataclass
class Prototypes(StaticSubset):
    """Trains every epoch on the samples farthest from the prototype of their cluster.

    Hard samples are for plenty of data, easy ones, near their prototype, for little.

    Args:
        keep: fraction of the pool.
        score: name of the column; higher means farther, and harder.
        prefer: `hard` takes the highest scores, `easy` the lowest.
        floor: fraction of the samples each class would have in a subset with the classes of the
            pool, rounded down, that it gets in any case. None ranks without regard to classes,
            and needs no labels.

    Cost:
        O(N) time, once.

    Reference:
        Sorscher et al., "Beyond neural scaling laws: beating power law scaling via data pruning",
        NeurIPS 2022, arXiv 2206.14486, with `hf_dynsel.scores.PrototypeDistance` for the score.
        On ImageNet they guarantee each class half of what it would have if all were pruned
        alike: `floor=0.5`. How the rest is chosen then could not be read; here it is by score.
    """

    score: str = "prototype_distance"
    prefer: Literal["hard", "easy"] = "hard"
    floor: float | None = None

    def check(self) -> None:
        """Checks the hyperparameters, and that the pool has what they need."""
        check_choice("prefer", self.prefer, ("hard", "easy"))
        self.pool.score(self.score)
        if self.floor is None:
            return
        check_fraction("floor", self.floor, "the part of its fair share that each class gets")
        if self.pool.labels is None:
            raise ValueError(
                f"floor={self.floor} guarantees samples of each class, and the pool has no labels; "
                "give the pool labels, or set floor=None"
            )

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, sorted."""
        values = self.pool.score(self.score)
        values = values if self.prefer == "hard" else -values
        return top(self._guaranteed(values), self.budget(self.keep))

    def _guaranteed(self, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Returns the values, with those raised to infinity that their class keeps in any case."""
        if self.floor is None or self.pool.labels is None:
            return values
        groups = ClassGroups.of(self.pool.labels)
        part = Fraction(str(self.floor)) * self.budget(self.keep) / self.pool.size
        floors = np.array([int(part * int(size)) for size in groups.sizes])
        raised = values.copy()
        raised[top_per_class(values, groups, floors)] = np.inf
        return raised
