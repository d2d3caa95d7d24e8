"""One selection method per file; `__all__` is the list that recipes can name."""

from hf_dynsel.selectors.clip_powered import ClipPowered as ClipPowered
from hf_dynsel.selectors.coverage_centric import CoverageCentric as CoverageCentric
from hf_dynsel.selectors.d2_pruning import D2Pruning as D2Pruning
from hf_dynsel.selectors.dataset_pruning import DatasetPruning as DatasetPruning
from hf_dynsel.selectors.density_consistency import DensityConsistency as DensityConsistency
from hf_dynsel.selectors.dynamic_random import DynamicRandom as DynamicRandom
from hf_dynsel.selectors.epsilon_greedy import EpsilonGreedy as EpsilonGreedy
from hf_dynsel.selectors.full_data import FullData as FullData
from hf_dynsel.selectors.herding import Herding as Herding
from hf_dynsel.selectors.info_max import InfoMax as InfoMax
from hf_dynsel.selectors.infobatch import InfoBatch as InfoBatch
from hf_dynsel.selectors.k_center import KCenter as KCenter
from hf_dynsel.selectors.moderate import Moderate as Moderate
from hf_dynsel.selectors.prototypes import Prototypes as Prototypes
from hf_dynsel.selectors.random_without_replacement import (
    RandomWithoutReplacement as RandomWithoutReplacement,
)
from hf_dynsel.selectors.rcap import RCAP as RCAP
from hf_dynsel.selectors.repdiv import RepDiv as RepDiv
from hf_dynsel.selectors.repdiv_consistency import RepDivConsistency as RepDivConsistency
from hf_dynsel.selectors.sae_greedy import SAEGreedy as SAEGreedy
from hf_dynsel.selectors.sae_sim_scale import SAESimScale as SAESimScale
from hf_dynsel.selectors.selective_backprop import SelectiveBackprop as SelectiveBackprop
from hf_dynsel.selectors.seta import SeTa as SeTa
from hf_dynsel.selectors.static_random import StaticRandom as StaticRandom
from hf_dynsel.selectors.top_score import TopScore as TopScore
from hf_dynsel.selectors.ucb import UCB as UCB

__all__ = [
    "ClipPowered",
    "CoverageCentric",
    "D2Pruning",
    "DatasetPruning",
    "DensityConsistency",
    "DynamicRandom",
    "EpsilonGreedy",
    "FullData",
    "Herding",
    "InfoBatch",
    "InfoMax",
    "KCenter",
    "Moderate",
    "Prototypes",
    "RCAP",
    "RandomWithoutReplacement",
    "RepDiv",
    "RepDivConsistency",
    "SAEGreedy",
    "SAESimScale",
    "SeTa",
    "SelectiveBackprop",
    "StaticRandom",
    "TopScore",
    "UCB",
]
