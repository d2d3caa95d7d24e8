"""Shares scores, runs and selection logs on the Hub, and takes them from there."""

from hf_dynsel.sharing.run import pull_run as pull_run
from hf_dynsel.sharing.run import push_run as push_run
from hf_dynsel.sharing.scores import download_scores as download_scores
from hf_dynsel.sharing.scores import push_scores as push_scores
from hf_dynsel.sharing.selections import load_selections as load_selections
from hf_dynsel.sharing.selections import push_selections as push_selections

__all__ = [
    "download_scores",
    "load_selections",
    "pull_run",
    "push_run",
    "push_scores",
    "push_selections",
]
