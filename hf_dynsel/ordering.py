"""The order in which an epoch presents its selection, a function of the seed and the epoch."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int

Indices = Int[np.ndarray, " m"]
Order = Callable[[Indices, np.random.Generator], Indices]


def shuffled(indices: Indices, rng: np.random.Generator) -> Indices:
    """Returns the samples in random order."""
    return rng.permutation(indices)


def as_selected(indices: Indices, rng: np.random.Generator) -> Indices:
    """Returns the samples in the order the selector gave them, for curricula."""
    return indices
