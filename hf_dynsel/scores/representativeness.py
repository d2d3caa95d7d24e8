"""The score that favours samples with common factors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.active import ActiveUnits
from hf_dynsel.scores.exchange import Exchange
from hf_dynsel.scores.unit_score import UnitScore

TABLE_BYTES = 2**28


@final
@dataclass(frozen=True, kw_only=True)
class Representativeness(UnitScore):
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

    def worth(
        self,
        active: ActiveUnits,
        highest: int,
        labels: Int[np.ndarray, " n"] | None,
        exchange: Exchange,
    ) -> Float[np.ndarray, " units"]:
        """Returns one over the classes that each common unit covers, and zero for the others."""
        num_units = highest + 1 if self.num_latents is None else self.num_latents
        if highest >= num_units:
            raise ValueError(
                f"the codes name unit {highest}, but num_latents is {num_units}: they are of "
                "another autoencoder; add the codes again with hf_dynsel.sae.add_codes"
            )
        weights = np.zeros(num_units)
        common = common_units(exchange.total(active.counts(num_units)), self.common_frac)
        covered = 1 if labels is None else _classes(active, common, labels, exchange)
        weights[common] = 1.0 / covered
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


def _classes(
    active: ActiveUnits,
    common: Int[np.ndarray, " common"],
    labels: Int[np.ndarray, " n"],
    exchange: Exchange,
) -> Int[np.ndarray, " common"]:
    """Returns how many classes each common unit covers.

    The table of units x classes is made in blocks of bounded size; sorting the pairs instead
    takes 60 times as long.
    """
    place = np.full(max(active.units.max(initial=0), common.max(initial=0)) + 1, -1)
    place[common] = np.arange(len(common))
    places, classes = place[active.units], labels[active.samples]
    highest = exchange.joined(np.array([labels.max(initial=0)], np.int64)).max()
    num_classes = int(highest) + 1
    height = max(1, TABLE_BYTES // (4 * num_classes))
    covered = np.zeros(len(common), np.int64)
    for start in range(0, len(common), height):
        block = (places >= start) & (places < start + height)
        seen = np.zeros((min(height, len(common) - start), num_classes), np.int32)
        seen[places[block] - start, classes[block]] = 1
        covered[start : start + height] = (exchange.total(seen) > 0).sum(axis=1)
    return covered
