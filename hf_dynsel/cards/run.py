"""The selection in a model's card: a section of its own, put in or replaced."""

import re
from collections.abc import Sequence
from typing import Any

import yaml
from huggingface_hub import ModelCard

from hf_dynsel.cards.citations import bibtex
from hf_dynsel.cards.escape import escape, fenced, one_line
from hf_dynsel.cards.metadata import LIBRARY, hub_id, license_fields, results, task_of
from hf_dynsel.cards.render import render
from hf_dynsel.cards.run_facts import RunFacts
from hf_dynsel.report.picture import Picture

BEGIN, END = "<!-- hf-dynsel: data selection -->", "<!-- hf-dynsel: end -->"
# To the last end there is, which text from outside in the section cannot be.
SECTION = re.compile(rf"\n*{BEGIN}.*{END}\n*", re.DOTALL)
BARE = "---\nlibrary_name: transformers\n---\n"
TAGS = (LIBRARY, "data-selection")


def selection_section(facts: RunFacts, figures: Sequence[Picture] = ()) -> str:
    """Returns the section on the selection, between marks by which it is found again.

    Args:
        facts: of the run; what is not known is left out.
        figures: of the selection, which lie in `figures/` beside the card.
    """
    settings = {"selector": {"name": facts.selector, **facts.settings}}
    classes = [facts.selector, *(name for name in facts.scores.values() if name)]
    citation = bibtex(classes)
    body = render(
        "run",
        facts=facts,
        figures=figures,
        recipe=fenced(facts.recipe, "yaml") if facts.recipe else "",
        selector=fenced(yaml.safe_dump(settings, sort_keys=False), "yaml"),
        citation=fenced(citation, "bibtex") if citation else "",
    )
    return f"{BEGIN}\n{body}{END}\n"


def with_selection(
    card: str,
    facts: RunFacts,
    name: str,
    figures: Sequence[Picture] = (),
    tags: Sequence[str] = (),
) -> str:
    """Returns a model's card with the section on the selection, its tags and its results.

    What else is in the card stays as it is; a section that is there already is replaced.

    Args:
        card: with or without metadata; empty for a new one.
        facts: of the run.
        name: of the model, for a card that has none.
        figures: of the selection.
        tags: more tags to have, such as those of an earlier card.
    """
    whole = card if card.lstrip().startswith("---") else f"{BARE}\n{card or f'# {escape(name)}'}"
    known = ModelCard(whole, ignore_metadata_errors=True)
    data: Any = known.data
    data.model_name = data.model_name or name
    data.tags = list(dict.fromkeys([*_listed(data.tags), *map(one_line, tags), *TAGS]))
    for field, value in license_fields(facts.license).items():
        data[field] = value
    if hub := hub_id(facts.source.get("hub_id")):
        data.datasets = list(dict.fromkeys([*_listed(data.datasets), hub]))
    if task := task_of(facts.source):
        data.pipeline_tag = data.pipeline_tag or task
        _add_results(data, facts, task)
    section = selection_section(facts, figures)
    before, after = known.text.rstrip("\n"), ""
    if found := SECTION.search(known.text):
        before, after = known.text[: found.start()], known.text[found.end() :]
    known.text = "\n\n".join(part for part in (before, section, after) if part)
    return str(known)


def _add_results(data: Any, facts: RunFacts, task: str) -> None:
    """Puts the run's metrics in the metadata, in place of those of the same name."""
    found = results(facts.source, task, facts.results, facts.split)
    others = [
        one
        for one in data.eval_results or []
        if not any(one.is_equal_except_value(result) for result in found)
    ]
    data.eval_results = [*others, *found] or None


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
