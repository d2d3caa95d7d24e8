"""Checks a recipe that decodes its images once against what images then cannot have."""

from collections.abc import Iterator, Mapping
from typing import Any

from hf_dynsel.section_checks import optional

KEY = "decode_once"


def decode_faults(content: Mapping[str, Any]) -> Iterator[str]:
    """Yields why images of a recipe cannot be decoded once, if it asks for that."""
    if optional(content, "dataset").get(KEY) is not True:
        return
    model = optional(content, "model")
    if "text_encoder" in model:
        yield f"dataset.{KEY}: is about images, and the model reads texts; leave it out"
    if model.get("random_area") is True:
        yield (
            f"dataset.{KEY}: model.random_area resizes another area of the stored image each time; "
            "leave one of them out"
        )
    if content.get("mixing") is not None:
        yield (
            f"dataset.{KEY}: crops images on the device, after mixing would join them on the host; "
            "leave one of them out"
        )
