"""The card of a sparse autoencoder."""

from collections.abc import Mapping
from typing import Any

from hf_dynsel.cards.citations import bibtex
from hf_dynsel.cards.encoders import construction, facts_of, repository
from hf_dynsel.cards.escape import fenced
from hf_dynsel.cards.metadata import model_metadata, results, with_front_matter
from hf_dynsel.cards.render import render

TASK = "feature-extraction"
MEASURED = ("fvu", "l0", "dead_share")


def sae_card(
    settings: Mapping[str, Any],
    training: Mapping[str, Any] | None,
    origin: Mapping[str, Any] | None,
    repo_id: str,
    license: str | None = None,
) -> str:
    """Returns the card of a sparse autoencoder; what is not known is left out.

    Args:
        settings: of its `config.json`.
        training: how the training went, its `training`.
        origin: what it was trained on, its `origin`.
        repo_id: where it goes on the Hub.
        license: of the weights, an identifier that the Hub knows.
    """
    source, encoder = parts_of(origin)
    measured = {name: training[name] for name in MEASURED if training and name in training}
    base, found = repository(encoder), results(source, TASK, measured, "train")
    data = model_metadata(repo_id, "sparse-autoencoder", license, base, source, found)
    body = render(
        "sae",
        repo_id=repo_id,
        settings=settings,
        training=training or {},
        units=quantiles(training or {}),
        source=source,
        encoder=facts_of(encoder),
        build=construction(encoder),
        version=(origin or {}).get("library_version"),
        citation=fenced(bibtex(["SparseAutoencoder"]), "bibtex"),
    )
    return with_front_matter(data, body)


def parts_of(origin: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Returns the dataset and the encoder of an origin, empty where they are not known."""
    known = origin or {}
    return known.get("dataset") or {}, known.get("encoder") or {}


def quantiles(training: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Returns the quantiles of how many items activate a unit, by name."""
    frequency = training.get("unit_frequency") or {}
    return list(frequency.items())
