"""A made-up pool that has what a selector reads: to check a recipe, or plan it, before its data."""

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.core import Pool, Selector
from hf_dynsel.recipe_sections import scores_read


def made_up_columns(selector: Selector, rows: int) -> dict[str, np.ndarray]:
    """Returns the columns of several numbers per sample that a selector reads."""
    row = np.arange(rows, dtype=np.float32)
    columns = {name: np.stack([row, row], axis=1) for name in selector.reads()}
    if "sae_indices" in columns:
        columns["sae_indices"] = columns["sae_indices"].astype(np.int32)
    return columns


def made_up_pool(
    selector: Selector,
    labels: Int[np.ndarray, " n"],
    scores: dict[str, Float[np.ndarray, " n"]] | None = None,
) -> Pool:
    """Returns a pool of made-up scores and columns.

    Args:
        selector: whose columns it has.
        labels: class of each sample.
        scores: by name; by default, rising ones, those that the selector reads.
    """
    rising = np.arange(len(labels), dtype=np.float32)
    named = dict.fromkeys(scores_read(selector.config()), rising) if scores is None else scores
    return Pool(len(labels), named, labels, made_up_columns(selector, len(labels)))
