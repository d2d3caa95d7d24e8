"""Turns 8-bit images into normalised numbers, to the bit alike on every device."""

from collections.abc import Sequence

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor


class Normalise:
    """Brings images to the scale 0 to 1, subtracts a mean and divides by a deviation.

    Its numbers are on the device beforehand, so that no batch waits for them; and they are
    tensors, because a GPU divides by a plain number as it multiplies by the inverse.

    Args:
        mean: of each channel, or one for all.
        std: the same.
        device: of the images.
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], device: torch.device | str = "cpu"
    ) -> None:
        self._white, self._mean, self._std = (
            torch.tensor(values, dtype=torch.float32, device=device).view(1, -1, 1, 1)
            for values in ((255.0,), mean, std)
        )

    def __call__(self, images: UInt8[Tensor, "n c h w"]) -> Float32[Tensor, "n c h w"]:
        """Returns the images as numbers for a model."""
        return images.float().div_(self._white).sub_(self._mean).div_(self._std)
