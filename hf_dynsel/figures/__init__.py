"""The figures of the papers, of any run folder or folder of results, with their numbers."""

from hf_dynsel.figures.draw import FIGURES as FIGURES
from hf_dynsel.figures.draw import draw as draw
from hf_dynsel.figures.request import Request as Request

__all__ = ["FIGURES", "Request", "draw"]
