"""Reads dataset columns as NumPy arrays, and puts score columns in."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from jaxtyping import Int, Shaped

if TYPE_CHECKING:
    from datasets import Dataset

LABELS = ("label", "labels", "label_ids")


def read_arrow(dataset: "Dataset", names: Sequence[str]) -> pa.Table:
    """Returns columns as Arrow data, in the order of the dataset's rows."""
    return dataset.select_columns(list(names)).with_format("arrow")[:]


def read_column(dataset: "Dataset", name: str) -> Shaped[np.ndarray, "n ..."]:
    """Returns one column, of numbers or of equally long lists of numbers.

    Raises:
        ValueError: if the lists differ in length, or a row has none.
    """
    column = read_arrow(dataset, [name])[name].combine_chunks()
    if not pa.types.is_nested(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    if not (lengths == lengths[0]).all():
        raise ValueError(
            f"column '{name}' holds lists of different lengths, or none; every row needs the same "
            "number of values: add it again"
        )
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(len(column), -1)


def put_column(dataset: "Dataset", name: str, column: pa.Array) -> "Dataset":
    """Returns the dataset with a column added, or replaced where it is already there."""
    if name in dataset.column_names:
        dataset = dataset.remove_columns(name)
    return dataset.add_column(name, column)


def find_label(dataset: "Dataset", label: str | None) -> str | None:
    """Returns the class column, or None for unlabelled data and for real-valued targets.

    Raises:
        ValueError: if the column is missing, or its values are not classes.
    """
    names = dataset.column_names
    if label is None or (label == LABELS[0] and not set(LABELS) & set(names)):
        return None
    if label not in names:
        raise ValueError(
            f"the dataset has no column '{label}' (it has: {', '.join(names)}); pass the name of "
            "the class column as label, or None for unlabelled data"
        )
    kind = dataset.features.arrow_schema.field(label).type
    if pa.types.is_floating(kind):
        return None
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return label
    raise ValueError(
        f"column '{label}' holds {kind}, which is no class; pass the name of the class column as "
        "label, or None for unlabelled data"
    )


def read_classes(dataset: "Dataset", label: str) -> Int[np.ndarray, " n"]:
    """Returns the class of each row, numbered from zero in the order of the label values.

    Raises:
        ValueError: if a label is missing or negative.
    """
    return np.unique(class_values(dataset, label), return_inverse=True)[1]


def class_values(dataset: "Dataset", label: str, first: int = 0) -> Shaped[np.ndarray, " n"]:
    """Returns the label of each row.

    Args:
        label: the class column.
        first: the number of the first row, where these are some of many.

    Raises:
        ValueError: if a label is missing or negative.
    """
    column = read_arrow(dataset, [label])[label].combine_chunks()
    values = np.asarray(column.to_numpy(zero_copy_only=False))
    number = pa.types.is_integer(column.type)
    missing = np.asarray(column.is_null()) | (values < 0 if number else False)
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(
            f"row {first + row} has {label} {column[row].as_py()}, which is no class; drop "
            f"unlabelled rows ({int(missing.sum())} in all), or pass label=None"
        )
    return values
