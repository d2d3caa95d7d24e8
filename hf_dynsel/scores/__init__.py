"""Scores: one number per sample, computed once, kept as a column of the dataset."""

from hf_dynsel.scaling import minmax as minmax
from hf_dynsel.scores.add import add_scores as add_scores
from hf_dynsel.scores.attach import attach as attach
from hf_dynsel.scores.base import Score as Score
from hf_dynsel.scores.consistency import Consistency as Consistency
from hf_dynsel.scores.density import Density as Density
from hf_dynsel.scores.diversity import Diversity as Diversity
from hf_dynsel.scores.files import save_scores as save_scores
from hf_dynsel.scores.load import load_scores as load_scores
from hf_dynsel.scores.normalize import rank as rank
from hf_dynsel.scores.representativeness import Representativeness as Representativeness
from hf_dynsel.scores.table import ScoreTable as ScoreTable

__all__ = [
    "Consistency",
    "Density",
    "Diversity",
    "Representativeness",
    "Score",
    "ScoreTable",
    "add_scores",
    "attach",
    "load_scores",
    "minmax",
    "rank",
    "save_scores",
]
