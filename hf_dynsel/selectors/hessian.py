"""The inverse Hessian of softmax regression, whole or class by class."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Num

BLOCK_ENTRIES = 2**19
WHOLE_SIZE = 2048  # weights of the layer, up to which `auto` takes the whole Hessian
MOST_BYTES = 2**33

Form = Literal["auto", "whole", "classes"]


@dataclass(frozen=True)
class InverseHessian:
    """The inverse of the Hessian, or of its blocks on the diagonal.

    Args:
        matrices: one for all C (d + 1) weights, or one for the d + 1 weights of each class.
    """

    matrices: Float[np.ndarray, "m s s"]

    def times(self, gradients: Float[np.ndarray, "r c e"]) -> Float[np.ndarray, "r c e"]:
        """Returns the products with some gradients, of C classes, d features and a bias."""
        parts = gradients.reshape(len(gradients), *self.matrices.shape[:2]).swapaxes(0, 1)
        return np.asarray((parts @ self.matrices).swapaxes(0, 1).reshape(gradients.shape))


def check_form(form: Form, classes: int, features: int) -> None:
    """Raises ValueError if the form would take more than 8 GiB."""
    count, size = _shape(form, classes, features)
    needed = 2 * 8 * count * size**2
    if needed > MOST_BYTES:
        remedy = "set hessian='classes'" if count == 1 else "give features of fewer dimensions"
        raise ValueError(
            f"hessian={form!r} takes 2 x {count} matrices of {size} x {size} numbers for {classes} "
            f"classes and {features} features, {needed} bytes, and the limit is {MOST_BYTES}; "
            f"{remedy}"
        )


def inverse_hessian(
    features: Num[np.ndarray, "n d"], errors: Float[np.ndarray, "n c"], form: Form, damping: float
) -> InverseHessian:
    """Returns the inverse Hessian of the mean loss over some samples.

    With the predicted probabilities `p` and the features with a one for the bias `h`, the block of
    classes `c` and `k` is the mean of `p[c] * ((c == k) - p[k]) * outer(h, h)`. The form `classes`
    has the blocks with `c == k` alone.

    Args:
        features: what the last layer receives.
        errors: predicted probabilities less one for the true class.
        form: `auto` is whole up to 2,048 weights.
        damping: added to the diagonal, as a share of its mean.
    """
    count, size = _shape(form, errors.shape[1], features.shape[1])
    matrices = _whole(features, errors)[None] if count == 1 else _per_class(features, errors)
    diagonal = float(np.einsum("mss->", matrices)) / (count * size)
    added = damping * (diagonal or 1.0)  # a perfect model's Hessian is zero
    return InverseHessian(np.linalg.inv(matrices + added * np.eye(size)))


def blocks(
    features: Num[np.ndarray, "n d"], copies: int = 1
) -> Iterator[tuple[slice, Float[np.ndarray, "b e"]]]:
    """Yields which rows come next, and their features with a one for the bias, in float32.

    Args:
        features: one row per sample.
        copies: how many tables of a block's size will be made of it.
    """
    step = max(1, BLOCK_ENTRIES // (copies * (features.shape[1] + 1)))
    for first in range(0, len(features), step):
        rows = slice(first, first + step)
        yield rows, with_one(features[rows])


def with_one(features: Num[np.ndarray, "b d"]) -> Float[np.ndarray, "b e"]:
    """Returns the features with a one for the bias, in float32."""
    return np.pad(features.astype(np.float32, copy=False), ((0, 0), (0, 1)), constant_values=1)


def _shape(form: Form, classes: int, features: int) -> tuple[int, int]:
    """Returns how many matrices there are, and how many rows each has."""
    size = classes * (features + 1)
    whole = form == "whole" or (form == "auto" and size <= WHOLE_SIZE)
    return (1, size) if whole else (classes, features + 1)


def _whole(
    features: Num[np.ndarray, "n d"], errors: Float[np.ndarray, "n c"]
) -> Float[np.ndarray, "p p"]:
    classes, size = errors.shape[1], features.shape[1] + 1
    hessian = np.zeros((classes, size, classes, size))
    for rows, inputs in blocks(features):
        predicted = _probabilities(errors[rows])
        for c in range(classes):
            for k in range(c + 1):
                weights = predicted[:, c] * ((c == k) - predicted[:, k])
                hessian[c, :, k] += _weighted(inputs, weights) / len(features)
                hessian[k, :, c] = hessian[c, :, k]
    return hessian.reshape(classes * size, -1)


def _per_class(
    features: Num[np.ndarray, "n d"], errors: Float[np.ndarray, "n c"]
) -> Float[np.ndarray, "c e e"]:
    classes, size = errors.shape[1], features.shape[1] + 1
    hessians = np.zeros((classes, size, size))
    for rows, inputs in blocks(features):
        predicted = _probabilities(errors[rows])
        for c in range(classes):
            weights = predicted[:, c] * (1 - predicted[:, c])
            hessians[c] += _weighted(inputs, weights) / len(features)
    return hessians


def _weighted(
    inputs: Float[np.ndarray, "b e"], weights: Float[np.ndarray, " b"]
) -> Float[np.ndarray, "e e"]:
    return np.asarray((inputs * weights[:, None].astype(np.float32)).T @ inputs)


def _probabilities(errors: Float[np.ndarray, "b c"]) -> Float[np.ndarray, "b c"]:
    """Returns what the model predicted: only the error of the true class is below zero."""
    predicted = errors.astype(np.float64)
    predicted[np.arange(len(errors)), errors.argmin(axis=1)] += 1
    return predicted
