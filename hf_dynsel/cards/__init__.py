"""Cards of what is shared on the Hub: plain facts in, Markdown with metadata out."""

from hf_dynsel.cards.adapters import adapter_card as adapter_card
from hf_dynsel.cards.citations import bibtex as bibtex
from hf_dynsel.cards.render import save_figures as save_figures
from hf_dynsel.cards.run import selection_section as selection_section
from hf_dynsel.cards.run import with_selection as with_selection
from hf_dynsel.cards.run_facts import RunFacts as RunFacts
from hf_dynsel.cards.sae import sae_card as sae_card
from hf_dynsel.cards.scores import scores_card as scores_card
from hf_dynsel.cards.selections import selections_card as selections_card

__all__ = [
    "RunFacts",
    "adapter_card",
    "bibtex",
    "sae_card",
    "save_figures",
    "scores_card",
    "selection_section",
    "selections_card",
    "with_selection",
]
