"""Puts a score on the scale from 0 to 1, over all samples or within each class."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scaling import MinMax, minmax
from hf_dynsel.scores.exchange import Exchange

Normalization = Literal["minmax", "rank", "class_minmax", "class_rank"]


def normalized(
    values: Float[np.ndarray, " n"],
    how: Normalization | None,
    labels: Int[np.ndarray, " n"] | None,
) -> Float[np.ndarray, " n"]:
    """Returns the values by their range or their rank, or as they are.

    Args:
        values: one per sample.
        how: by `class_` the smallest of each class becomes 0 and the largest 1; None leaves all.
        labels: class of each sample.

    Raises:
        ValueError: if classes are asked for and there are none.
    """
    if how is None:
        return values
    scale = minmax if how.endswith("minmax") else rank
    if not how.startswith("class_"):
        return scale(values)
    if labels is None:
        raise ValueError(
            f"normalize={how!r} needs class labels, and the dataset has none; take "
            f"{how.removeprefix('class_')!r}"
        )
    found = np.empty_like(values)
    for label in np.unique(labels):
        found[labels == label] = scale(values[labels == label])
    return found


def normalized_own(
    values: Float[np.ndarray, " own"],
    how: Normalization | None,
    labels: Int[np.ndarray, " n"] | None,
    exchange: Exchange,
) -> Float[np.ndarray, " own"]:
    """Returns the values of this process's rows as `normalized` would return them among all.

    By the range, processes exchange the ends of theirs. By ranks or within classes, each holds
    the values of all rows for the while, in 8 bytes per row.

    Args:
        labels: class of each sample of all.
    """
    if how is None:
        return values
    if how == "minmax":
        low = exchange.joined(np.array([values.min(initial=np.inf)])).min()
        high = exchange.joined(np.array([values.max(initial=-np.inf)])).max()
        return MinMax(values, low, high - low)[:]
    every = normalized(exchange.joined(values), how, labels)
    rows = exchange.stretch(len(every))
    return every[rows.start : rows.stop]


def rank(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns each value's rank scaled onto 0 to 1; equal values share their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts + 1) / 2
    return mean_ranks[places] / max(len(values) - 1, 1)
