"""Refuses features that are no numbers, by their row."""

import numpy as np
from jaxtyping import Float


def require_finite(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Returns the features.

    Raises:
        ValueError: if a value is NaN or infinite.
    """
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        raise ValueError(
            f"the features hold NaN or an infinity in {len(bad)} rows, the first is row {bad[0]}; "
            "compute them again or drop these rows"
        )
    return features
