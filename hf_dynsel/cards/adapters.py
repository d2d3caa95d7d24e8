"""The card of a pair of adapters."""

from collections.abc import Mapping
from typing import Any

from hf_dynsel.cards.citations import bibtex
from hf_dynsel.cards.encoders import construction, facts_of, repository
from hf_dynsel.cards.escape import fenced
from hf_dynsel.cards.metadata import model_metadata, results, with_front_matter
from hf_dynsel.cards.render import render
from hf_dynsel.cards.sae import parts_of

TASK = "zero-shot-classification"
MEASURED = ("loss", "texts_cut")


def adapter_card(
    settings: Mapping[str, Any],
    training: Mapping[str, Any] | None,
    origin: Mapping[str, Any] | None,
    repo_id: str,
    license: str | None = None,
) -> str:
    """Returns the card of a pair of adapters; what is not known is left out.

    Args:
        settings: of its `config.json`.
        training: how the training went, its `training`.
        origin: what it was trained on, its `origin`.
        repo_id: where it goes on the Hub.
        license: of the weights, an identifier that the Hub knows.
    """
    source, _ = parts_of(origin)
    encoders = [settings.get("sample_encoder") or {}, settings.get("text_encoder") or {}]
    bases = list(dict.fromkeys(name for one in encoders if (name := repository(one))))
    measured = {name: training[name] for name in MEASURED if training and name in training}
    found = results(source, TASK, measured, "train")
    data = model_metadata(repo_id, "adapters", license, bases, source, found)
    body = render(
        "adapters",
        repo_id=repo_id,
        settings=settings,
        training=training or {},
        source=source,
        encoders=dict(zip(("samples", "texts"), map(facts_of, encoders), strict=True)),
        build=construction(encoders[0]),
        version=(origin or {}).get("library_version"),
        citation=fenced(bibtex(["Adapters"]), "bibtex"),
    )
    return with_front_matter(data, body)
