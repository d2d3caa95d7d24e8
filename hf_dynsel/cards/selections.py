"""The card of a selection log: which samples each epoch of a run trained on."""

from huggingface_hub import DatasetCardData

from hf_dynsel.cards.citations import bibtex
from hf_dynsel.cards.escape import fenced, one_line
from hf_dynsel.cards.metadata import LIBRARY, hub_id, size_category, task_of, with_front_matter
from hf_dynsel.cards.render import render
from hf_dynsel.cards.run_facts import RunFacts


def selections_card(
    facts: RunFacts, repo_id: str, *, model: str | None = None, scores: str | None = None
) -> str:
    """Returns the card of the selection log of a run; what is not known is left out.

    Args:
        facts: of the run.
        repo_id: where the log goes on the Hub.
        model: repository of the trained model.
        scores: repository of the scores it was trained from.
    """
    task = task_of(facts.source)
    data = DatasetCardData(
        pretty_name=one_line(f"Samples that {facts.selector} chose"),
        task_categories=None if task is None else [task],
        size_categories=[size_category(facts.samples_trained)],
        source_datasets=[name] if (name := hub_id(facts.source.get("hub_id"))) else None,
        tags=[LIBRARY, "data-selection", "selection-log"],
        configs=[
            {"config_name": "default", "data_files": "selections.parquet", "default": True},
        ],
    )
    citation = bibtex([facts.selector])
    body = render(
        "selections",
        repo_id=repo_id,
        facts=facts,
        model=hub_id(model),
        scores=hub_id(scores),
        citation=fenced(citation, "bibtex") if citation else "",
    )
    return with_front_matter(data, body)
