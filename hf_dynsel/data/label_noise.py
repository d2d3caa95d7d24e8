"""Gives part of the training set random labels, to see how a selector copes with wrong ones."""

import numpy as np
from datasets import Dataset
from jaxtyping import Bool, Int

from hf_dynsel.data.split import label_array

# Keeps this generator apart from those of selectors, whose second word is a small epoch number.
STREAM = 1_852_797_797


def add_label_noise(
    dataset: Dataset, share: float = 0.2, seed: int = 0, exclude_true: bool = False
) -> Dataset:
    """Returns the dataset with noisy labels in `label` and the true ones in `clean_label`.

    For training splits only: validation and test stay clean.

    Args:
        dataset: has a column `label` of type `ClassLabel`.
        share: fraction of the rows whose label is drawn anew.
        seed: which rows, and which labels.
        exclude_true: draw from the other classes only, so that every drawn label is wrong.

    Raises:
        ValueError: if `share` is not in [0, 1], or if the dataset has noisy labels already.

    Reference:
        Zhou et al., "Rethinking Representativeness and Diversity in Dynamic Data Selection",
        arXiv 2603.04981 (2026), appendix B.3: 20 % of the rows get a uniform draw over all
        classes, the true one included, so 0.2 (1 - 1/C) of them end up wrong. `exclude_true` is
        the stricter variant of other papers.
    """
    if "clean_label" in dataset.column_names:
        raise ValueError(
            "the dataset has a column 'clean_label', so its labels are noisy already; "
            "add noise to the clean dataset"
        )
    clean, kind = label_array(dataset), dataset.features["label"]
    noisy = noisy_labels(clean, kind.num_classes, share, seed, exclude_true)
    renamed = dataset.rename_column("label", "clean_label")
    return renamed.add_column("label", noisy, feature=kind)


def wrong_labels(dataset: Dataset) -> Bool[np.ndarray, " n"] | None:
    """Returns which rows have another label than the true one; None if that is not known."""
    if "clean_label" not in dataset.column_names:
        return None
    columns = dataset.select_columns(["label", "clean_label"]).with_format("numpy")[:]
    wrong: Bool[np.ndarray, " n"] = columns["label"] != columns["clean_label"]
    return wrong


def noisy_labels(
    labels: Int[np.ndarray, " n"], num_classes: int, share: float, seed: int, exclude_true: bool
) -> Int[np.ndarray, " n"]:
    """Returns a copy of the labels with `round(share * n)` of them drawn anew."""
    if not 0 <= share <= 1:
        raise ValueError(f"share must be in [0, 1], got {share}: it is a fraction of the rows")
    if exclude_true and num_classes < 2:
        raise ValueError("one class leaves no other label to draw; set exclude_true to False")
    rng = np.random.default_rng((seed, STREAM))
    rows = rng.choice(len(labels), round(share * len(labels)), replace=False)
    noisy = labels.copy()
    if exclude_true:
        noisy[rows] = (labels[rows] + rng.integers(1, num_classes, len(rows))) % num_classes
    else:
        noisy[rows] = rng.integers(0, num_classes, len(rows))
    return noisy
