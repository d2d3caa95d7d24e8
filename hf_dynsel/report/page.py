"""Renders the page: one HTML file with its style and images inside, and nothing to run."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import jinja2

from hf_dynsel.report.balance import balance, warning
from hf_dynsel.report.headline import flat, key_numbers, machine, reading, sentence
from hf_dynsel.report.picture import Section
from hf_dynsel.report.runfolder import RECIPE, SCORES_META, RunFolder


@dataclass(frozen=True)
class Note:
    """A text or a table of facts at the end of the page; `missing` says why it is empty."""

    title: str
    text: str = ""
    facts: Sequence[tuple[str, str]] = ()
    missing: str = ""


def render(run: RunFolder, sections: Sequence[Section]) -> str:
    """Returns the page; every text from the run is escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["data_uri"] = _data_uri
    template = environment.from_string(_packaged("template.html"))
    page: str = template.render(
        style=_packaged("style.css"),
        title=run.summary.recipe,
        sentence=sentence(run.summary),
        machine=machine(run.summary),
        warning=warning(run.summary),
        numbers=key_numbers(run.summary),
        reading=[*reading(run.summary), balance(run.summary)],
        sections=sections,
        notes=_notes(run),
    )
    return page


def _notes(run: RunFolder) -> list[Note]:
    absent = "which is not there."
    return [
        Note("Hardware and versions", facts=flat(run.summary.environment)),
        Note("Recipe", text=run.recipe, missing=f"The recipe is in {RECIPE}, {absent}"),
        Note(
            "Where the scores came from",
            facts=flat(run.score_notes),
            missing=f"The provenance of the scores is in {SCORES_META}, {absent}",
        ),
    ]


def _packaged(name: str) -> str:
    return (files("hf_dynsel.report") / name).read_text(encoding="utf-8")


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
