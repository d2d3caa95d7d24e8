"""Scores: one number per sample, computed once, kept as a column of the dataset."""

from hf_dynsel.scaling import minmax as minmax
from hf_dynsel.scores.add import add_scores as add_scores
from hf_dynsel.scores.attach import attach as attach
from hf_dynsel.scores.aum import AUM as AUM
from hf_dynsel.scores.base import Score as Score
from hf_dynsel.scores.center_distance import CenterDistance as CenterDistance
from hf_dynsel.scores.class_spread import ClassSpread as ClassSpread
from hf_dynsel.scores.consistency import Consistency as Consistency
from hf_dynsel.scores.density import Density as Density
from hf_dynsel.scores.diversity import Diversity as Diversity
from hf_dynsel.scores.el2n import EL2N as EL2N
from hf_dynsel.scores.entropy import Entropy as Entropy
from hf_dynsel.scores.files import save_scores as save_scores
from hf_dynsel.scores.forgetting import Forgetting as Forgetting
from hf_dynsel.scores.grand import GraNd as GraNd
from hf_dynsel.scores.load import load_scores as load_scores
from hf_dynsel.scores.margin import Margin as Margin
from hf_dynsel.scores.moso import MoSo as MoSo
from hf_dynsel.scores.normalize import rank as rank
from hf_dynsel.scores.prototype_distance import PrototypeDistance as PrototypeDistance
from hf_dynsel.scores.representativeness import Representativeness as Representativeness
from hf_dynsel.scores.table import ScoreTable as ScoreTable
from hf_dynsel.scores.tdds import TDDS as TDDS
from hf_dynsel.scores.training_score import TrainingScore as TrainingScore

__all__ = [
    "AUM",
    "CenterDistance",
    "ClassSpread",
    "Consistency",
    "Density",
    "Diversity",
    "EL2N",
    "Entropy",
    "Forgetting",
    "GraNd",
    "Margin",
    "MoSo",
    "PrototypeDistance",
    "Representativeness",
    "Score",
    "ScoreTable",
    "TDDS",
    "TrainingScore",
    "add_scores",
    "attach",
    "load_scores",
    "minmax",
    "rank",
    "save_scores",
]
