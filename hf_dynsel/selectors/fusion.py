"""Learns how much density counts beside consistency, from samples that are held out."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_dynsel.core import Pool

WEIGHTS = np.linspace(0, 1, 11)
MOST_BYTES = 4 * 2**30


def hold_out(size: int, fraction: float, rng: np.random.Generator) -> Bool[np.ndarray, " n"]:
    """Marks a random fraction of the samples, at least one unless the fraction is zero."""
    marks = np.zeros(size, bool)
    if fraction:
        marks[rng.choice(size, max(1, round(fraction * size)), replace=False)] = True
    return marks


def require_memory(pool: Pool, refresh: str, keep: float, fraction: float) -> None:
    """Raises ValueError unless a weight can be learned on this pool."""
    if refresh != "full":
        raise ValueError("fusion='learned' compares whole selections; set refresh='full'")
    if pool.labels is None:
        raise ValueError("fusion='learned' needs class labels, and the pool has none")
    if not 0 < fraction <= 1 - keep + 1e-9:
        raise ValueError(
            f"held_out must be above 0 and at most 1 - keep = {1 - keep:.3g}, got {fraction}: what "
            "is held out is never trained on"
        )
    size = pool.size * (int(pool.labels.max()) + 1) * 4
    if size > MOST_BYTES:
        raise ValueError(
            f"fusion='learned' holds an error for each sample and class, {size:,} bytes here, and "
            f"takes at most {MOST_BYTES:,}; use 'product' or 'geometric'"
        )


def best_weight(
    mixed: Callable[[float], Float[np.ndarray, " n"]],
    held_out: Bool[np.ndarray, " n"],
    choose: Callable[[Float[np.ndarray, " n"]], Int[np.ndarray, " k"]],
    signals: Mapping[str, Float[np.ndarray, "n ..."]],
) -> float:
    """Returns the weight whose selection would lower the held-out loss most, to first order.

    One small step along a selection's mean gradient lowers the held-out loss by its inner product
    with the held-out mean gradient. Only the last layer's gradient is taken: the mean of
    error x [features, 1].

    Args:
        mixed: maps a weight of the density to the values that samples are ranked by.
        held_out: which samples are never selected.
        choose: maps values to the samples selected.
        signals: "features" (n, d) and "error" (n, c) of every sample.
    """
    wanted = _gradient(signals, np.flatnonzero(held_out))
    gains = []
    for weight in WEIGHTS:
        values = mixed(float(weight))
        values[held_out] = -np.inf
        gains.append(float((_gradient(signals, choose(values)) * wanted).sum()))
    return float(WEIGHTS[int(np.argmax(gains))])


def _gradient(
    signals: Mapping[str, Float[np.ndarray, "n ..."]], rows: np.ndarray
) -> Float[np.ndarray, "c d1"]:
    error, features = signals["error"][rows], signals["features"][rows]
    weight, bias = error.T @ features, error.sum(axis=0)
    gradient: Float[np.ndarray, "c d1"] = np.column_stack([weight, bias]) / len(rows)
    return gradient
