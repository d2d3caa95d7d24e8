"""The score that favours samples with common factors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.code_score import ClassCounts, CodeScore


@final
@dataclass(frozen=True, kw_only=True)
class Representativeness(CodeScore):
    """Sums, over a sample's active units that are common, one over the classes they cover.

    Common are the units that most samples activate. A unit covers a class if it is active for
    at least one of its samples; without labels every common unit counts one.

    Args:
        common_frac: share of the units that counts as common, rounded down, at least one.
        num_latents: number of units, dead ones included. None takes it from the note that
            `add_codes` left on the dataset, or else the highest unit in the codes plus one,
            which falls short by the few dead units at the end.

    Reference:
        Zhou et al., "Rethinking Representativeness and Diversity in Dynamic Data Selection",
        arXiv 2603.04981, section 3.3, equation 3: Rep(i) is the sum of w_j = 1/c_j over the
        active units in F, the top 10 % by frequency. Ties in frequency go to the lower unit,
        and units that never fire are left out of F, which the paper does not say. On large data
        one stray or mislabelled sample is enough to cover a class, so that c_j tends to the
        number of classes; we follow the formula.
    """

    common_frac: float = 0.10
    num_latents: int | None = None
    name: ClassVar[str] = "representativeness"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.common_frac <= 1:
            raise ValueError(
                f"common_frac must be in (0, 1], got {self.common_frac}: it is the share of the "
                "units that counts as common"
            )

    def resolve(self, notes: Mapping[str, Any]) -> "Representativeness":
        """Returns the score with the number of units of the autoencoder that made the codes."""
        if self.num_latents is None and "sae" in notes:
            return replace(self, num_latents=notes["sae"]["config"]["num_latents"])
        return self

    def num_units(self, highest: int) -> int:
        """Returns the number that was given, or as many as the codes name."""
        num_units = highest + 1 if self.num_latents is None else self.num_latents
        if highest >= num_units:
            raise ValueError(
                f"the codes name unit {highest}, but num_latents is {num_units}: they are of "
                "another autoencoder; add the codes again with hf_dynsel.sae.add_codes"
            )
        return num_units

    def weights(
        self, counts: Int[np.ndarray, " units"], classes: ClassCounts | None
    ) -> Float[np.ndarray, " units"]:
        """Returns one over the classes that each common unit covers, and zero for others."""
        weights = np.zeros(len(counts))
        common = common_units(counts, self.common_frac)
        weights[common] = 1.0 if classes is None else 1.0 / classes(common)
        return weights


def common_units(counts: Int[np.ndarray, " units"], share: float) -> Int[np.ndarray, " common"]:
    """Returns the units that most samples activate, most of all first; the lower one of equals.

    Args:
        counts: how many samples activate each unit.
        share: of the units, rounded down, at least one; those that never fire are left out.
    """
    wanted = max(1, math.floor(share * len(counts) + 1e-9))
    most = np.argsort(-counts, kind="stable")[:wanted]
    return most[counts[most] > 0]
