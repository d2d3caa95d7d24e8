"""Reads the pool, scores and labels, from the columns of a dataset."""

import hashlib
from collections.abc import Collection
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, Value
from jaxtyping import Float, Num

from hf_dynsel.core import Pool
from hf_dynsel.data.decoded import table_of
from hf_dynsel.provenance import fingerprint
from hf_dynsel.scores.columns import read_column

PREFIX = "score_"
LABELS = ("label", "labels", "label_ids")


def pool_of(dataset: Any, reads: Collection[str] = ()) -> Pool:
    """Returns the pool that a training set describes.

    Every column `score_<name>` becomes the score `<name>`; the first integer column called
    `label`, `labels` or `label_ids` becomes the labels. A dataset that is not a
    `datasets.Dataset` gives its size only.

    Args:
        dataset: the training set.
        reads: columns of several numbers per sample that the selector reads; those the dataset
            has are in the pool.

    Raises:
        ValueError: as `Pool` does, or if a label is not one of the classes the column declares.
    """
    dataset = table_of(dataset)
    if not isinstance(dataset, Dataset):
        return Pool(len(dataset))
    scores = [name for name in dataset.column_names if name.startswith(PREFIX)]
    label = next((n for n in LABELS if n in dataset.column_names and _is_class(dataset, n)), None)
    wanted = scores + ([label] if label else [])
    if label:
        _require_labels(dataset, str(label))
    columns = dataset.select_columns(wanted).with_format("numpy")[:] if wanted else {}
    labels = np.asarray(columns[label], np.int64) if label else None
    if labels is not None and isinstance(feature := dataset.features[label], ClassLabel):
        _check_declared(labels, feature, str(label))
    named = {name.removeprefix(PREFIX): _real(columns[name]) for name in scores}
    vectors = {name: read_column(dataset, name) for name in reads if name in dataset.column_names}
    return Pool(len(dataset), named, labels, vectors)


def require_rows(pool: Pool, rows: int) -> None:
    """Raises ValueError unless a pool is of a dataset with so many rows."""
    if pool.size != rows:
        raise ValueError(
            f"the pool has {pool.size} samples and the training set {rows}; "
            "they must describe the same rows in the same order"
        )


def identity(dataset: Any, pool: Pool) -> str:
    """Returns a hash of the data a run selects from, to refuse resuming with other data."""
    digest = hashlib.sha256(str(pool.size).encode())
    for name, column in sorted({**pool.scores, **pool.columns, "labels": pool.labels}.items()):
        if column is not None:
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(column).data)
    if isinstance(table := table_of(dataset), Dataset):
        digest.update(fingerprint(table).encode())
    return digest.hexdigest()[:32]


def _is_class(dataset: Dataset, name: str) -> bool:
    feature = dataset.features[name]
    return isinstance(feature, ClassLabel) or (
        isinstance(feature, Value) and feature.dtype.startswith(("int", "uint"))
    )


def _real(column: Num[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    values = np.asarray(column)
    return values if values.dtype.kind == "f" else values.astype(np.float32)


def _require_labels(dataset: Dataset, name: str) -> None:
    column = dataset.select_columns([name]).with_format("arrow")[:][name]
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise ValueError(
            f"row {row} has no {name}, and {column.null_count} rows in all; give each a class or "
            "drop them"
        )


def _check_declared(labels: np.ndarray, feature: ClassLabel, name: str) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= feature.num_classes))
    if len(wrong):
        raise ValueError(
            f"row {wrong[0]} has {name} {labels[wrong[0]]}, but the column declares the classes 0 "
            f"to {feature.num_classes - 1}; correct these {len(wrong)} labels or drop the rows"
        )
    empty = np.flatnonzero(np.bincount(labels, minlength=feature.num_classes) == 0)
    if len(empty):
        raise ValueError(
            f"class {empty[0]} ('{feature.int2str(int(empty[0]))}') has no samples; declare only "
            f"the classes that occur: dataset.class_encode_column('{name}') after casting it to "
            "strings"
        )
