"""Scores that need a trained model, collected from an ordinary training in one pass."""

from hf_dynsel.collect.callback import CollectScores as CollectScores
from hf_dynsel.collect.callback import collecting as collecting

__all__ = ["CollectScores", "collecting"]
