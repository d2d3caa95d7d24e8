"""Refuses data of other classes, and features of another encoder, than adapters were made for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from jaxtyping import Int

from hf_dynsel import provenance
from hf_dynsel.features.prompts import class_names
from hf_dynsel.origin import encoder_of as encoder_of


def features_encoder(dataset: Dataset) -> dict[str, Any]:
    """Returns the encoder that made the `features` column; empty where nothing is noted."""
    return encoder_of(provenance.recorded(dataset).get("features", {}))


def require_encoder(there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raises ValueError, naming each field that differs, unless two encoders are the same.

    Args:
        there: the encoder that adapters were trained for.
        here: the encoder of the features at hand.
    """
    theirs, ours = dict(_flat(there)), dict(_flat(here))
    names = [*theirs, *(name for name in ours if name not in theirs)]
    differ = [
        f"{name}: {theirs.get(name, 'nothing')} there and {ours.get(name, 'nothing')} here"
        for name in names
        if theirs.get(name) != ours.get(name)
    ]
    if differ:
        raise ValueError(
            f"the adapters were trained for another encoder of the samples ({'; '.join(differ)}); "
            "extract the features with that encoder, or train adapters for this one"
        )


def require_classes(there: Sequence[str], here: Sequence[str]) -> None:
    """Raises ValueError, naming the first that differs, unless two lists of classes are the same.

    Args:
        there: the classes whose texts were encoded.
        here: the classes of the dataset at hand.
    """
    if len(there) != len(here):
        raise ValueError(
            f"the texts are of {len(there)} classes, but the dataset has {len(here)}; "
            "encode the texts of these classes, or load the data the texts belong to"
        )
    for number, (theirs, ours) in enumerate(zip(there, here, strict=True)):
        if theirs != ours:
            raise ValueError(
                f"class {number} is '{theirs}' in the texts, but '{ours}' in the dataset; "
                "encode the texts of these classes, or load the data the texts belong to"
            )


def class_numbers(dataset: Dataset, label: str, classes: Sequence[str]) -> Int[np.ndarray, " n"]:
    """Returns the class of each row of a dataset, which must have the given classes.

    Raises:
        ValueError: if its classes are others, or a row has none.
    """
    require_classes(classes, class_names(dataset, label))
    column = dataset.select_columns([label]).with_format("arrow")[:][label].combine_chunks()
    numbers: np.ndarray = column.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    wrong = np.flatnonzero((numbers < 0) | (numbers >= len(classes)))
    if len(wrong):
        raise ValueError(
            f"row {wrong[0]} has {label} {column[int(wrong[0])].as_py()}, which is no class; drop "
            f"such rows ({len(wrong)} in all)"
        )
    return numbers


def _flat(fields: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
