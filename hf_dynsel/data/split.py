"""Splits rows into two parts with the same class shares."""

import numpy as np
from datasets import Dataset, DatasetDict
from jaxtyping import Int
from sklearn.model_selection import train_test_split


def check_test_size(test_size: float) -> None:
    """Raises ValueError unless `test_size`, a fraction of the rows, is in (0, 1)."""
    if not 0 < test_size < 1:
        raise ValueError(
            f"test_size must be in (0, 1), got {test_size}: it is the fraction of the rows held out"
        )


def stratified_split(
    labels: Int[np.ndarray, " n"], test_size: float, seed: int
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]:
    """Returns sorted rows for training and for test, each class in both in proportion.

    Raises:
        ValueError: if `test_size` is not in (0, 1), or if a class has fewer than two rows, or if
            a part would have fewer rows than there are classes.
    """
    check_test_size(test_size)
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        raise ValueError(
            f"class {classes[counts.argmin()]} has {counts.min()} row; a stratified split needs "
            "two of each class: drop the class, or give a test split"
        )
    rows = np.arange(len(labels))
    train, test = train_test_split(rows, test_size=test_size, stratify=labels, random_state=seed)
    return np.sort(train), np.sort(test)


def label_array(dataset: Dataset) -> Int[np.ndarray, " n"]:
    """Returns the column `label`, whatever format the dataset is set to."""
    return np.asarray(dataset.with_format("numpy")["label"][:], dtype=np.int64)


def take(dataset: Dataset, rows: Int[np.ndarray, " m"]) -> Dataset:
    """Returns some rows as a dataset of its own, so that later reads pass through no mapping."""
    return dataset.select(rows).flatten_indices()


def split_dataset(dataset: Dataset, test_size: float, seed: int) -> DatasetDict:
    """Returns `train` and `test` with the same class shares, rows in their old order."""
    train, test = stratified_split(label_array(dataset), test_size, seed)
    return DatasetDict(train=take(dataset, train), test=take(dataset, test))
