"""The card of a dataset of scores."""

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import DatasetCardData

from hf_dynsel.cards.citations import bibtex
from hf_dynsel.cards.encoders import facts_of
from hf_dynsel.cards.escape import fenced, one_line
from hf_dynsel.cards.metadata import (
    LIBRARY,
    hub_id,
    license_fields,
    listed,
    size_category,
    task_of,
    with_front_matter,
)
from hf_dynsel.cards.render import render
from hf_dynsel.report.picture import Picture

TABLES = {"sae": "codes", "features": "features"}  # file by the stage that made its columns


def scores_card(
    notes: Mapping[str, Any],
    repo_id: str,
    *,
    recipe: str = "",
    figures: Sequence[Picture] = (),
    originals: Sequence[str] = (),
) -> str:
    """Returns the card of a dataset of scores; what is not known is left out.

    Args:
        notes: its `scores.json`.
        repo_id: where it goes on the Hub.
        recipe: text of the recipe that made the scores.
        figures: of the scores, which lie in `figures/` beside the card.
        originals: columns of the data that are in it too, in `originals.parquet`.
    """
    source, entries = notes.get("source") or {}, notes["scores"]
    tables = [TABLES[stage] for stage in ("sae", "features") if stage in notes.get("columns", {})]
    tables += ["originals"] if originals else []
    data = DatasetCardData(
        **license_fields(source.get("license")),
        pretty_name=one_line(f"Scores of {source['name']}") if source.get("name") else None,
        task_categories=listed(task_of(source)),
        size_categories=[size_category(notes["num_rows"])],
        source_datasets=listed(hub_id(source.get("hub_id"))),
        tags=[LIBRARY, "data-selection", "scores"],
        configs=_configs(["scores", *tables]),
    )
    body = render(
        "scores",
        repo_id=repo_id,
        notes=notes,
        source=source,
        entries={name: _provenance(entry) for name, entry in entries.items()},
        tables=tables,
        originals=list(originals),
        recipe=fenced(recipe, "yaml") if recipe else "",
        figures=figures,
        citation=_citation([entry["class"] for entry in entries.values()]),
    )
    return with_front_matter(data, body)


def _provenance(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the facts on how one score was computed, as rows of a table."""
    config = entry.get("config") or {}
    encoder = ", ".join(f"{k} {v}" for k, v in facts_of(entry.get("features") or {}))
    sae, adapters = entry.get("sae") or {}, entry.get("adapters") or {}
    facts = {
        "class": entry["class"],
        "settings": ", ".join(f"{key}={value}" for key, value in config.items()),
        "encoder": encoder,
        "sparse autoencoder": sae.get("sae_fingerprint"),
        "its repository": _repository(sae.get("source")),
        "adapters": adapters.get("adapters_fingerprint"),
        "their repository": _repository(adapters.get("source")),
        "seed": config.get("seed", (adapters.get("config") or {}).get("seed")),
        "hf-dynsel": entry.get("library_version"),
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}


def _repository(source: Any) -> str | None:
    """Returns a repository and commit; None for a folder, which says nothing elsewhere."""
    name, _, commit = str(source or "").partition("@")
    return str(source) if hub_id(name) and commit else None


def _configs(tables: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "config_name": "default" if name == "scores" else name,
            "data_files": f"{name}.parquet",
            **({"default": True} if name == "scores" else {}),
        }
        for name in tables
    ]


def _citation(classes: Sequence[str]) -> str:
    entries = bibtex(classes)
    return fenced(entries, "bibtex") if entries else ""
