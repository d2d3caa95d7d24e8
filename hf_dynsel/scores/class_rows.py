"""Lists the rows of each class, for scores that compare a sample with its own class."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int


def class_rows(labels: Int[np.ndarray, " n"] | None, score: str) -> Iterator[Int[np.ndarray, " m"]]:
    """Yields the rows of one class after another, rising.

    Args:
        labels: class of each sample, from 0 to C-1.
        score: who asks, for the error.

    Raises:
        ValueError: if there are no labels.
    """
    if labels is None:
        raise ValueError(
            f"score '{score}' compares a sample with its class, and the data is unlabelled; "
            "give the name of the class column as label"
        )
    ends = np.cumsum(np.bincount(labels))
    return iter(np.split(np.argsort(labels, kind="stable"), ends[:-1]))
