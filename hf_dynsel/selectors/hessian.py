"""The inverse Hessian of softmax regression, whole or class by class."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Num

BLOCK_ENTRIES = 2**19  # of at most 8 bytes: 4 MiB
BLOCKS = 4  # as many tables of a block at a time
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


def check_form(form: Form, classes: int, features: int, rows: int) -> None:
    """Raises ValueError if the form would take more than 8 GiB.

    Args:
        form: as for `inverse_hessian`.
        classes: of the errors.
        features: of each sample.
        rows: how many gradients are multiplied by the inverse at a time.

    Raises:
        ValueError: with the number of bytes.
    """
    needed = needed_bytes(form, classes, features, rows)
    if needed > MOST_BYTES:
        count, size = _shape(form, classes, features)
        whole = count == 1 and classes > 1
        remedy = "set hessian='classes'" if whole else "give features of fewer dimensions"
        raise ValueError(
            f"hessian={form!r} takes {count} x {size} x {size} numbers of 8 bytes for {classes} "
            f"classes and {features} features, {needed} bytes with what is made on the way, and "
            f"the limit is {MOST_BYTES}; {remedy}"
        )


def needed_bytes(form: Form, classes: int, features: int, rows: int) -> int:
    """Returns the most memory that the form takes, beside a few numbers per sample.

    That is the matrices, and with them either a product of features in float32, when they are
    made, or some gradients in float32 and, before and after the inverse and of the search's last
    round, three times in float64.
    """
    count, size = _shape(form, classes, features)
    product, gradients = 4 * (features + 1) ** 2, 28 * rows * classes * (features + 1)
    return 8 * count * size**2 + max(product, gradients) + 8 * BLOCKS * BLOCK_ENTRIES


def inverse_hessian(
    features: Num[np.ndarray, "n d"], errors: Float[np.ndarray, "n c"], form: Form, damping: float
) -> InverseHessian:
    """Returns the inverse Hessian of the mean loss over some samples.

    With the predicted probabilities `p` and the features with a one for the bias `h`, the block of
    classes `c` and `k` is the mean of `p[c] * ((c == k) - p[k]) * outer(h, h)`. The form `classes`
    has the blocks with `c == k` alone. In place of one stands the sum of `p`, which may differ in
    its last digit: of a model that is all but sure, the Hessian would have no Cholesky factor.

    Args:
        features: what the last layer receives.
        errors: predicted probabilities less one for the true class.
        form: `auto` is whole up to 2,048 weights.
        damping: added to the diagonal, as a share of its mean.

    Raises:
        ValueError: if the damping is lost in rounding.
    """
    count, size = _shape(form, errors.shape[1], features.shape[1])
    matrices = _whole(features, errors)[None] if count == 1 else _per_class(features, errors)
    diagonal = float(np.einsum("mss->", matrices)) / (count * size)
    added = damping * (diagonal or 1.0)  # a perfect model's Hessian is zero
    if not (np.isfinite(added) and all(_invert(matrix, added) for matrix in matrices)):
        raise ValueError(
            f"the Hessian of the last layer has no inverse in floating point: its mean diagonal "
            f"entry is {diagonal}, and damping={damping} adds {added}; set a larger damping, or "
            "scale the features to about one"
        )
    return InverseHessian(matrices)


def blocks(
    features: Num[np.ndarray, "n d"], width: int
) -> Iterator[tuple[slice, Float[np.ndarray, "b e"]]]:
    """Yields which rows come next, and their features with a one for the bias, in float32.

    Args:
        features: one row per sample.
        width: of the widest table that will be made of a block.
    """
    step = max(1, BLOCK_ENTRIES // width)
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
    """Returns the Hessian, of the blocks above the diagonal nothing."""
    classes, size = errors.shape[1], features.shape[1] + 1
    hessian = np.zeros((classes, size, classes, size))
    for rows, inputs in blocks(features, max(classes, size)):
        predicted = _probabilities(errors[rows])
        one = predicted.sum(axis=1)
        for c in range(classes):
            for k in range(c + 1):
                weights = predicted[:, c] * ((c == k) * one - predicted[:, k]) / len(features)
                hessian[c, :, k] += _weighted(inputs, weights)
    return hessian.reshape(classes * size, -1)


def _per_class(
    features: Num[np.ndarray, "n d"], errors: Float[np.ndarray, "n c"]
) -> Float[np.ndarray, "c e e"]:
    classes, size = errors.shape[1], features.shape[1] + 1
    hessians = np.zeros((classes, size, size))
    for rows, inputs in blocks(features, max(classes, size)):
        predicted = _probabilities(errors[rows])
        one = predicted.sum(axis=1)
        for c in range(classes):
            weights = predicted[:, c] * (one - predicted[:, c]) / len(features)
            hessians[c] += _weighted(inputs, weights)
    return hessians


def _invert(matrix: Float[np.ndarray, "s s"], added: float) -> bool:
    """Inverts a symmetric matrix in place, with a number added to its diagonal.

    It returns whether the matrix had an inverse. Of what is above the diagonal nothing is read.
    """
    from scipy.linalg import lapack  # here, for it takes as long to import as all of the selectors

    matrix.flat[:: len(matrix) + 1] += added
    # LAPACK takes columns for rows: below the diagonal is above it there.
    factor, failed = lapack.dpotrf(matrix.T, lower=0, clean=0, overwrite_a=1)
    if failed:
        return False
    lapack.dpotri(factor, lower=0, overwrite_c=1)
    for row in range(len(matrix)):
        matrix[row, row + 1 :] = matrix[row + 1 :, row]
    return True


def _weighted(
    inputs: Float[np.ndarray, "b e"], weights: Float[np.ndarray, " b"]
) -> Float[np.ndarray, "e e"]:
    return np.asarray((inputs * weights[:, None].astype(np.float32)).T @ inputs)


def _probabilities(errors: Float[np.ndarray, "b c"]) -> Float[np.ndarray, "b c"]:
    """Returns what the model predicted: only the error of the true class is below zero."""
    predicted = errors.astype(np.float64)
    predicted[np.arange(len(errors)), errors.argmin(axis=1)] += 1
    return predicted.clip(min=0, out=predicted)
