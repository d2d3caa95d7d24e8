"""What a card says of an encoder: its facts, its repository, and how to build it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hf_dynsel.cards.escape import Markdown
from hf_dynsel.cards.metadata import hub_id
from hf_dynsel.cards.render import python

ARGUMENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "OpenClipImage": ("architecture",),
        "OpenClipText": ("architecture",),
        "Pixels": ("pca",),
        "TimmImage": ("architecture",),
        "TransformersText": ("model", "max_length", "revision"),
    }
)
SHOWN = (
    "backbone",
    "model",
    "architecture",
    "revision",
    "weights",
    "max_length",
    "pooling",
    "pca",
    "preprocessing",
)


def facts_of(encoder: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Returns the facts that tell an encoder from others; none that are not noted."""
    return [(n, encoder[n]) for n in SHOWN if isinstance(encoder.get(n), str | int | float)]


def repository(encoder: Mapping[str, Any]) -> str | None:
    """Returns the encoder's repository on the Hub, if it is known to have one."""
    return hub_id(encoder.get("model")) or hub_id(encoder.get("architecture"))


@dataclass(frozen=True)
class Construction:
    """The class of an encoder, and the Python that builds it."""

    name: Markdown
    call: Markdown


def construction(encoder: Mapping[str, Any]) -> Construction | None:
    """Returns how to build an encoder of this package; None for any other."""
    name = str(encoder.get("backbone"))
    if name not in ARGUMENTS:
        return None
    given = [(key, encoder[key]) for key in ARGUMENTS[name] if encoder.get(key) is not None]
    arguments = ", ".join(f"{key}={python(value)}" for key, value in given)
    return Construction(Markdown(name), Markdown(f"{name}({arguments})"))
