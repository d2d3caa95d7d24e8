"""Says on which data, and on features of which encoder, a model was trained."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hf_dynsel import provenance

if TYPE_CHECKING:
    from datasets import Dataset

OF_THE_DATA = ("column", "columns", "dataset", "rows", "version")


@dataclass(frozen=True)
class Origin:
    """What a model was trained on.

    Args:
        dataset: where the data come from, as far as they say, with their `fingerprint` and the
            number of `rows`.
        encoder: identity of the encoder that made the features; empty where it is unknown.
        library_version: of this library.

    Raises:
        TypeError: if a value has another type, or is more than JSON can hold.
        ValueError: if the fingerprint or the number of rows is missing.
    """

    dataset: Mapping[str, Any]
    encoder: Mapping[str, Any]
    library_version: str

    def __post_init__(self) -> None:
        for name in ("dataset", "encoder"):
            _check_plain(f"origin.{name}", getattr(self, name))
        if not isinstance(self.library_version, str):
            raise TypeError(
                f"origin.library_version must be a string, got {self.library_version!r}"
            )
        for name, kind in (("fingerprint", str), ("rows", int)):
            if type(self.dataset.get(name)) is not kind:
                raise ValueError(
                    f"origin.dataset.{name} must be there, as {kind.__name__}, "
                    f"got {self.dataset.get(name)!r}"
                )


def origin_of(dataset: "Dataset") -> Origin:
    """Returns what is noted on a dataset and on its features."""
    notes = provenance.recorded(dataset)
    data = {"fingerprint": provenance.fingerprint(dataset), "rows": len(dataset)}
    return Origin(
        {**notes.get("source", {}), **data},
        encoder_of(notes.get("features", {})),
        provenance.library_version(),
    )


def encoder_of(note: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a backbone's identity or a note on features says of the encoder.

    What it says of the data, such as the name of the column that was read, is left out.
    """
    return {name: value for name, value in note.items() if name not in OF_THE_DATA}


def _check_plain(name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be an object, got {value!r}")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as wrong:
        raise TypeError(f"{name} must hold plain finite values ({wrong}), got {value!r}") from wrong
