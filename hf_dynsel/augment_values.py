"""Changes the values of 8-bit images: brightness, colours and the like, each by its own amount."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from hf_dynsel.augment_warp import Images
from hf_dynsel.extras import require

Magnitudes = Float[np.ndarray, " m"]


def brightness(images: Images, magnitudes: Magnitudes) -> Images:
    """Returns the images times one plus a magnitude."""
    return (images * _each(1 + magnitudes, images)).clamp_(0, 255).byte()


def color(images: Images, magnitudes: Magnitudes) -> Images:
    """Returns the images moved away from their grey version; grey images as they are."""
    return images if images.shape[1] == 1 else _moved(images, _grey(images), magnitudes)


def contrast(images: Images, magnitudes: Magnitudes) -> Images:
    """Returns the images moved away from the mean of their grey version."""
    mean = _grey(images).double().mean((1, 2, 3), keepdim=True)  # exact sums, in any order
    return _moved(images, mean.float(), magnitudes)


def sharpness(images: Images, magnitudes: Magnitudes) -> Images:
    """Returns the images moved away from their blurred version; pixels at the edge stay."""
    if min(images.shape[2:]) < 3:
        return images
    values = images.short()
    inner = values[..., 1:-1, 1:-1]
    # The kernel is 1 around a 5, over 13. In whole numbers: nothing is rounded but the quotient.
    three = values[..., :-2, :] + values[..., 1:-1, :] + values[..., 2:, :]
    nine = three[..., :-2] + three[..., 1:-1] + three[..., 2:]
    blurred = ((nine + 4 * inner) / 13).round_()
    changed = images.clone()
    changed[..., 1:-1, 1:-1] = _sum(inner, _each(-magnitudes, images), blurred.sub_(inner))
    return changed


def posterize(images: Images, magnitudes: Magnitudes) -> Images:
    """Returns the images with so many bits left of each value."""
    masks = 256 - 2 ** (8 - magnitudes)
    return images & _each(masks, images).byte()


def solarize(images: Images, magnitudes: Magnitudes) -> Images:
    """Returns the images with values from a threshold on, a share of 255, inverted."""
    return torch.where(images >= _each(255 * magnitudes, images), ~images, images)


def autocontrast(images: Images, magnitudes: Magnitudes) -> Images:
    """Returns the images with each channel stretched to the full range."""
    changed: Tensor = _torchvision().autocontrast(images)
    return changed


def equalize(images: Images, magnitudes: Magnitudes) -> Images:
    """Returns the images with each channel's values spread evenly over the range."""
    changed: Tensor = _torchvision().equalize(images)
    return changed


CHANGES: Sequence[Callable[[Images, Magnitudes], Images]] = (
    brightness,
    color,
    contrast,
    sharpness,
    posterize,
    solarize,
    autocontrast,
    equalize,
)


def _torchvision() -> Any:
    return require("torchvision.transforms.v2.functional", "vision")


def _grey(images: Images) -> UInt8[Tensor, "m 1 h w"]:
    grey: Tensor = _torchvision().rgb_to_grayscale(images)
    return grey


def _moved(images: Images, other: Tensor, magnitudes: Magnitudes) -> Images:
    """Returns (1 + magnitude) times the images minus magnitude times the other."""
    return _sum(images * _each(1 + magnitudes, images), _each(-magnitudes, images), other)


def _sum(summand: Tensor, factor: Tensor, other: Tensor) -> Images:
    """Returns summand + factor * other as grey levels, rounded once, as fused instructions do.

    The product of two floats is exact in double precision. In single precision, it depends on
    the processor whether it is rounded before the sum, and by that whole grey levels.
    """
    return (summand + factor.double() * other).float().clamp_(0, 255).byte()


def _each(values: Magnitudes, images: Images) -> Float[Tensor, "m 1 1 1"]:
    """Returns one number for each image, on their device, without waiting for it."""
    numbers = torch.from_numpy(values.astype(np.float32))
    return numbers.to(images.device, non_blocking=True).view(-1, 1, 1, 1)
