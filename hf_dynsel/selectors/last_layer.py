"""The influence of samples on a linear last layer, without one vector per sample."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from hf_dynsel.selectors.hessian import InverseHessian, blocks, with_one
from hf_dynsel.selectors.influence import Influence


@dataclass(frozen=True)
class LastLayer(Influence):
    """The vectors `inverse Hessian * gradient` of softmax regression on given features.

    A sample's gradient is the outer product of its error and its features with a one for the
    bias. So the inner product with any direction is a product of the two with one small matrix,
    and the vectors, of C (d + 1) entries each, need not be there.

    Args:
        features: what the last layer receives.
        errors: predicted probabilities less one for the true class.
        inverse: of the Hessian.
    """

    features: Num[np.ndarray, "n d"]
    errors: Float[np.ndarray, "n c"]
    inverse: InverseHessian

    def total(self, shares: Float[np.ndarray, " n"]) -> Float[np.ndarray, " p"]:
        """Returns the sum of all vectors, each times its share."""
        gradient = np.zeros((1, self.errors.shape[1], self.features.shape[1] + 1))
        for rows, inputs in blocks(self.features, max(gradient.shape[1:])):
            parts = self.errors[rows] * shares[rows, None]
            gradient += parts.astype(np.float32).T @ inputs
        return self.inverse.times(gradient).ravel()

    def along(self, direction: Float[np.ndarray, " p"]) -> Float[np.ndarray, " n"]:
        """Returns the inner product of each vector with a direction."""
        matrix = self.inverse.times(direction.reshape(1, self.errors.shape[1], -1))[0]
        weights = matrix.T.astype(np.float32)
        parts = [
            np.einsum("bc,bc->b", self.errors[rows], inputs @ weights, dtype=np.float64)
            for rows, inputs in blocks(self.features, max(weights.shape))
        ]
        return np.concatenate(parts)

    def squares(self) -> Float[np.ndarray, " n"]:
        """Returns the squared length of each vector."""
        parts = []
        width = self.errors.shape[1] * (self.features.shape[1] + 1)
        for rows, inputs in blocks(self.features, width):
            vectors = self.inverse.times(self.errors[rows][:, :, None] * inputs[:, None])
            parts.append(np.einsum("bce,bce->b", vectors, vectors))
        return np.concatenate(parts)

    def vectors(self, rows: Int[np.ndarray, " r"]) -> Float[np.ndarray, "r p"]:
        """Returns the vectors of a few samples."""
        gradients = self.errors[rows][:, :, None] * with_one(self.features[rows])[:, None]
        return self.inverse.times(gradients).reshape(len(rows), -1)
