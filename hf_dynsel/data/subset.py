"""Takes a smaller dataset with the class shares of the whole."""

import numpy as np
from datasets import Dataset
from jaxtyping import Int

from hf_dynsel.data.split import label_array, take

# Keeps this generator apart from those of selectors, whose second word is a small epoch number.
STREAM = 1_937_072_755


def stratified_subset(dataset: Dataset, size: int, seed: int = 0) -> Dataset:
    """Returns `size` rows in their old order, each class in proportion and with at least one row.

    Args:
        dataset: has a column `label`.
        size: number of rows.
        seed: which rows.

    Raises:
        ValueError: if `size` is below the number of classes or above that of the rows.
    """
    labels = label_array(dataset)
    classes, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if not len(classes) <= size <= len(labels):
        raise ValueError(
            f"a stratified subset of {len(labels)} rows in {len(classes)} classes has from "
            f"{len(classes)} to {len(labels)} rows, got size {size}"
        )
    rng = np.random.default_rng((seed, STREAM))
    members = [np.flatnonzero(inverse == c) for c in range(len(classes))]
    chosen = [
        rng.choice(rows, quota, replace=False)
        for rows, quota in zip(members, class_quotas(counts, size), strict=True)
    ]
    return take(dataset, np.sort(np.concatenate(chosen)))


def class_quotas(counts: Int[np.ndarray, " c"], size: int) -> Int[np.ndarray, " c"]:
    """Returns rows per class: proportional, rounded by largest remainder, none below one.

    Args:
        counts: rows each class has, at least one.
        size: the sum of the quotas, from the number of classes to the sum of the counts.
    """
    exact = counts * (size / counts.sum())
    quotas: Int[np.ndarray, " c"] = np.maximum(np.floor(exact), 1).astype(np.int64)
    while (missing := size - quotas.sum()) != 0:
        step = 1 if missing > 0 else -1
        movable = quotas < counts if step > 0 else quotas > 1
        gain = np.where(movable, step * (exact - quotas), -np.inf)
        quotas[np.argmax(gain)] += step
    return quotas
