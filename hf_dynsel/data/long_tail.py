"""Thins the classes of a training set, each more than the one before."""

import numpy as np
from datasets import Dataset
from jaxtyping import Int

from hf_dynsel.data.split import label_array, take

# Keeps this generator apart from those of selectors, whose second word is a small epoch number.
STREAM = 1_819_240_300


def long_tailed(dataset: Dataset, ratio: float, seed: int = 0) -> Dataset:
    """Returns some rows in their old order: the last class keeps one of `ratio`, the first all.

    For training splits only: validation and test stay as they are.

    Args:
        dataset: has a column `label`.
        ratio: how many times the share of the first class that of the last is, from 1.
        seed: which rows.

    Raises:
        ValueError: if the ratio is below 1.

    Reference:
        Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019,
        section 5.1: class c of C keeps the fraction ratio^(-c / (C - 1)), at least one row here.
    """
    return take(dataset, long_tail_rows(label_array(dataset), ratio, seed))


def long_tail_rows(labels: Int[np.ndarray, " n"], ratio: float, seed: int) -> Int[np.ndarray, " m"]:
    """Returns the rows that are kept, sorted."""
    if not ratio >= 1:
        raise ValueError(
            f"ratio must be at least 1, got {ratio}: it is the share of the first class over that "
            "of the last"
        )
    rng = np.random.default_rng((seed, STREAM))
    classes = np.unique(labels)
    kept = []
    for place, label in enumerate(classes):
        rows = np.flatnonzero(labels == label)
        share = ratio ** (-place / max(len(classes) - 1, 1))
        kept.append(rng.choice(rows, max(1, round(share * len(rows))), replace=False))
    return np.sort(np.concatenate(kept))
