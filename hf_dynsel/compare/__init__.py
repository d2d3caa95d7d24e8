"""Compares selection methods fairly: the same budget, paired seeds, overhead counted."""

from hf_dynsel.compare.experiment import Compared as Compared
from hf_dynsel.compare.experiment import compare as compare
from hf_dynsel.compare.results import SETUP as SETUP
from hf_dynsel.compare.tuning import tune as tune
from hf_dynsel.compare.write import render as render

__all__ = ["Compared", "SETUP", "compare", "render", "tune"]
