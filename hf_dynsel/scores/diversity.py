"""The score that favours samples with rare factors."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.active import CODE_COLUMNS, ActiveUnits
from hf_dynsel.scores.base import Columns, Score


@final
@dataclass(frozen=True, kw_only=True)
class Diversity(Score):
    """Sums the rarity of a sample's active units: one over the samples that share the unit.

    Before normalisation the scores add up to the number of units that are ever active.

    Reference:
        Zhou et al., "Rethinking Representativeness and Diversity in Dynamic Data Selection",
        arXiv 2603.04981, equations 5 and 6: Div(i) is the sum of Rar(j) over all active units,
        the common ones included.
    """

    name: ClassVar[str] = "diversity"
    columns: ClassVar[tuple[str, ...]] = CODE_COLUMNS

    def compute(
        self, columns: Columns, labels: Int[np.ndarray, " n"] | None
    ) -> Float[np.ndarray, " n"]:
        """Returns the sum of rarities of each sample; labels play no part."""
        active = ActiveUnits.read(columns)
        return active.sums(1.0 / np.maximum(active.counts(0), 1))
