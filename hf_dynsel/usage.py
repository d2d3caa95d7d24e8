"""How evenly a run used its samples: unused share, Gini index, overlap and class mix."""

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.counting import occurrences


def never_used(counts: Int[np.ndarray, " n"]) -> float:
    """Returns the share of samples that no epoch trained on."""
    return float((counts == 0).mean())


def gini(counts: Int[np.ndarray, " n"]) -> float:
    """Returns the Gini index of the use of samples: 0 if all are used equally often, below 1.

    Args:
        counts: number of epochs that trained on each sample.
    """
    alike = occurrences(counts).astype(np.float64)  # samples by how often they were used
    uses, size = np.arange(len(alike)), len(counts)
    total = float(uses @ alike)
    if total == 0:
        return 0.0
    # Ranked by use, from 1 - n to n - 1 in steps of two, those alike add up to this each.
    ranks = alike * (2 * np.cumsum(alike) - alike - size)
    return float(uses @ ranks) / (size * total)


def overlap(previous: Int[np.ndarray, " m"], current: Int[np.ndarray, " k"]) -> float:
    """Returns the share of the current selection that was in the previous one."""
    return float(np.isin(current, previous).mean())


def class_mix(
    indices: Int[np.ndarray, " m"], labels: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " c"]:
    """Returns the share of each class in a selection; the shares add up to one.

    Args:
        indices: the selected rows.
        labels: class of every row of the pool, from 0 to C-1.
    """
    counts = np.bincount(labels[indices], minlength=int(labels.max()) + 1)
    mix: Float[np.ndarray, " c"] = counts / len(indices)
    return mix
