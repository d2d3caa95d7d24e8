"""Reads feature vectors by batch, from an array in memory or from a column on disk."""

from collections.abc import Iterator
from typing import Any, final

import numpy as np
import torch
from datasets import Dataset, List, Value
from jaxtyping import Float, Shaped
from torch import Tensor

COLUMN = "features"


@final
class ArrayRows:
    """The rows of an array or a tensor; a float32 one is never copied whole."""

    def __init__(self, array: Shaped[np.ndarray, "n d"]) -> None:
        self._array = array
        self.shape = (array.shape[0], array.shape[1])

    def read(self, index: Any) -> Float[Tensor, "b d"]:
        """Returns rows, by slice or by an array of indices, as float32 on the CPU."""
        return torch.from_numpy(np.array(self._array[index], np.float32))


@final
class ColumnRows:
    """The rows of a dataset's `features` column, read from its memory-mapped files."""

    def __init__(self, dataset: Dataset) -> None:
        if COLUMN not in dataset.column_names:
            raise ValueError(
                f"the dataset has no column '{COLUMN}' (it has: {', '.join(dataset.column_names)});"
                " add it with hf_dynsel.features.extract"
            )
        if len(dataset) == 0:
            raise ValueError("the dataset has no rows")
        kind = dataset.features[COLUMN]
        number = isinstance(kind, List) and isinstance(kind.feature, Value)
        if not (number and kind.feature.dtype.startswith(("float", "int", "uint"))):
            raise ValueError(f"column '{COLUMN}' must hold one list of numbers per row, got {kind}")
        self._column = dataset.select_columns([COLUMN]).with_format("arrow")
        self.shape = (len(dataset), self._matrix(slice(0, 1)).shape[1])

    def read(self, index: Any) -> Float[Tensor, "b d"]:
        """Returns rows, by slice or by an array of indices, as float32 on the CPU."""
        matrix = self._matrix(index)
        if matrix.shape[1] != self.shape[1]:
            raise ValueError(
                f"column '{COLUMN}' holds vectors of {matrix.shape[1]} values and of "
                f"{self.shape[1]}; every item needs the same dimension: extract them again"
            )
        return torch.from_numpy(np.array(matrix, np.float32))

    def _matrix(self, index: Any) -> Shaped[np.ndarray, "b d"]:
        column = self._column[index][COLUMN].combine_chunks()
        lengths = np.asarray(column.value_lengths().to_numpy(zero_copy_only=False))
        if not (lengths == lengths[0]).all():
            raise ValueError(
                f"column '{COLUMN}' holds vectors of different lengths or none at all; "
                "every item needs one of the same dimension: extract them again"
            )
        return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(len(column), -1)


Rows = ArrayRows | ColumnRows


def feature_rows(features: Any) -> Rows:
    """Returns a reader for an array, a tensor, or a dataset with a `features` column.

    Raises:
        ValueError: if it is not a table of numbers with at least one row and one column.
    """
    if isinstance(features, Dataset):
        return ColumnRows(features)
    array = features.detach().cpu().float().numpy() if isinstance(features, Tensor) else features
    array = array if isinstance(array, np.ndarray) else np.asarray(array)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "fiu":
        raise ValueError(
            f"features must be a table of numbers, one row per item, got shape {array.shape} "
            f"and type {array.dtype}"
        )
    return ArrayRows(array)


def in_order(rows: Rows, size: int, within: range | None = None) -> Iterator[Float[Tensor, "b d"]]:
    """Yields all rows once, from first to last, in chunks.

    Args:
        within: these consecutive rows alone.

    Raises:
        ValueError: if a value is NaN or infinite.
    """
    wanted = within or range(rows.shape[0])
    for start in range(wanted.start, wanted.stop, size):
        chunk = rows.read(slice(start, min(start + size, wanted.stop)))
        bad = (~torch.isfinite(chunk).all(1)).nonzero()
        if len(bad):
            raise ValueError(
                f"the features of row {start + int(bad[0])} hold NaN or an infinity; "
                "extract them again or drop the row"
            )
        yield chunk
