"""One selection method per file; `__all__` is the list that recipes can name."""

from hf_dynsel.selectors.density_consistency import DensityConsistency as DensityConsistency
from hf_dynsel.selectors.dynamic_random import DynamicRandom as DynamicRandom
from hf_dynsel.selectors.full_data import FullData as FullData
from hf_dynsel.selectors.infobatch import InfoBatch as InfoBatch
from hf_dynsel.selectors.random_without_replacement import (
    RandomWithoutReplacement as RandomWithoutReplacement,
)
from hf_dynsel.selectors.repdiv import RepDiv as RepDiv
from hf_dynsel.selectors.repdiv_consistency import RepDivConsistency as RepDivConsistency
from hf_dynsel.selectors.selective_backprop import SelectiveBackprop as SelectiveBackprop
from hf_dynsel.selectors.static_random import StaticRandom as StaticRandom
from hf_dynsel.selectors.top_score import TopScore as TopScore

__all__ = [
    "DensityConsistency",
    "DynamicRandom",
    "FullData",
    "InfoBatch",
    "RandomWithoutReplacement",
    "RepDiv",
    "RepDivConsistency",
    "SelectiveBackprop",
    "StaticRandom",
    "TopScore",
]
