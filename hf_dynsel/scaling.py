"""Min-max scaling, so that scores of different units can be mixed."""

import numpy as np
from jaxtyping import Float


def minmax(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns the values moved and scaled to [0, 1], in their own precision.

    Values that are all equal become zeros: a score that tells no samples apart adds nothing. Those
    that span [0, 1] are returned as they are, without a copy.
    """
    low, high = values.min(), values.max()
    if low == 0 and high == 1:
        return values
    if low == high:
        return np.zeros_like(values)
    scaled: Float[np.ndarray, " n"] = (values - low) / (high - low)
    return scaled
