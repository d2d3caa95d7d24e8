"""The score that favours samples with rare factors."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.code_score import ClassCounts, CodeScore


@final
@dataclass(frozen=True, kw_only=True)
class Diversity(CodeScore):
    """Sums the rarity of a sample's active units: one over the samples that share the unit.

    Before normalisation the scores add up to the number of units that are ever active.

    Reference:
        Zhou et al., "Rethinking Representativeness and Diversity in Dynamic Data Selection",
        arXiv 2603.04981, equations 5 and 6: Div(i) is the sum of Rar(j) over all active units,
        the common ones included.
    """

    name: ClassVar[str] = "diversity"

    def num_units(self, highest: int) -> int:
        """Returns as many as the codes name."""
        return highest + 1

    def weights(
        self, counts: Int[np.ndarray, " units"], classes: ClassCounts | None
    ) -> Float[np.ndarray, " units"]:
        """Returns the rarity of each unit; classes play no part."""
        return np.asarray(1.0 / np.maximum(counts, 1))
