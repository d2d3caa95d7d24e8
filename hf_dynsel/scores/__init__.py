"""Scores: one number per sample, computed once, kept as a column of the dataset."""

from hf_dynsel.scaling import minmax as minmax
from hf_dynsel.scores.add import add_scores as add_scores
from hf_dynsel.scores.base import Score as Score
from hf_dynsel.scores.consistency import Consistency as Consistency
from hf_dynsel.scores.density import Density as Density
from hf_dynsel.scores.diversity import Diversity as Diversity
from hf_dynsel.scores.files import attach_scores as attach_scores
from hf_dynsel.scores.files import save_scores as save_scores
from hf_dynsel.scores.normalize import rank as rank
from hf_dynsel.scores.representativeness import Representativeness as Representativeness

__all__ = [
    "Consistency",
    "Density",
    "Diversity",
    "Representativeness",
    "Score",
    "add_scores",
    "attach_scores",
    "minmax",
    "rank",
    "save_scores",
]
