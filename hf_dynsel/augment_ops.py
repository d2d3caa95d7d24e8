"""TrivialAugmentWide on a batch of 8-bit images, each with its own operation and strength."""

import numpy as np
import torch
from jaxtyping import Float, Int, UInt64

from hf_dynsel.augment_values import CHANGES, Magnitudes
from hf_dynsel.augment_warp import WARPS, Images, warp

Numbers = Int[np.ndarray, " m"]  # of operations: 0 changes nothing, then those of WARPS, CHANGES

BINS = 31
WARPED = 1 + len(WARPS)  # numbers below are of warps
CACHED = 2**17  # values changed at once; larger temporaries leave a processor's cache


def trivial_augment_wide(images: Images, keys: UInt64[np.ndarray, " m"]) -> Images:
    """Returns the images, each changed by the operation and at the strength that its key draws.

    An image comes out the same, to the bit, in a batch of any size, and every operation rounds in
    a way that does not depend on the device.

    Args:
        images: with one channel or three.
        keys: a random number for each; on the host, so that nothing waits for the device.

    Reference:
        Müller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation",
        ICCV 2021, with the operations and strengths of torchvision's wide variant, and to the
        bit its images. Departures: rotated by 90 degrees, an image with one odd and one even side
        has its sources just between two pixels, and torchvision may take the other one; and the
        mean for the contrast is exact, where torchvision rounds sums over more than 65,000 pixels.
    """
    return apply(images, *draw(keys))


def apply(images: Images, numbers: Numbers, magnitudes: Magnitudes) -> Images:
    """Returns the images, each changed by an operation, given by its number, and its magnitude."""
    changed = images.clone()
    host = images.device.type == "cpu"
    at_once = max(1, CACHED // images[0].numel()) if host else len(images)
    groups = np.where(numbers < WARPED, np.minimum(numbers, 1), numbers)  # all warps are one
    for group in np.unique(groups[groups > 0]):
        own = np.flatnonzero(groups == group)
        for part in np.split(own, range(at_once, len(own), at_once)):
            rows = torch.from_numpy(part).to(images.device, non_blocking=True)
            changed[rows] = _changed(images[rows], numbers[part], magnitudes[part])
    return changed


def draw(keys: UInt64[np.ndarray, " m"]) -> tuple[Numbers, Magnitudes]:
    """Returns an operation's number and a magnitude for each key, every bin equally likely."""
    upper, middle = keys >> np.uint64(40), (keys >> np.uint64(16)) & np.uint64(0xFFFFFF)
    # 24 bits times a count, over 2**24: from 0 to the count, off by less than two in a million.
    scaled = upper * np.uint64(len(MAGNITUDES)), middle * np.uint64(BINS)
    numbers, bins = ((product >> np.uint64(24)).astype(np.int64) for product in scaled)
    negative = SIGNED[numbers] & (keys & np.uint64(1)).astype(bool)
    return numbers, np.where(negative, -1.0, 1.0) * MAGNITUDES[numbers, bins]


def _changed(images: Images, numbers: Numbers, magnitudes: Magnitudes) -> Images:
    """Returns images of one group."""
    if numbers[0] >= WARPED:
        changed: Images = CHANGES[numbers[0] - WARPED](images, magnitudes)
        return changed
    height, width = images.shape[2:]
    pairs = zip(numbers - 1, magnitudes.tolist(), strict=True)
    return warp(images, [WARPS[number](value, height, width) for number, value in pairs])


def _even(start: float, end: float) -> Float[np.ndarray, " bins"]:
    numbers: Float[np.ndarray, " bins"] = torch.linspace(start, end, BINS).double().numpy()
    return numbers  # of single precision, as torchvision's


MAGNITUDES = np.stack(
    [
        _even(0, 0),  # identity
        _even(0, 0.99),  # shear: a slope
        _even(0, 0.99),
        _even(0, 32),  # translate: pixels
        _even(0, 32),
        _even(0, 135),  # rotate: degrees
        _even(0, 0.99),  # brightness, color, contrast, sharpness: a share
        _even(0, 0.99),
        _even(0, 0.99),
        _even(0, 0.99),
        np.round(_even(8, 2)),  # posterize: bits
        _even(1, 0),  # solarize: a share
        _even(0, 0),  # autocontrast, equalize
        _even(0, 0),
    ]
)
SIGNED = (np.arange(len(MAGNITUDES)) > 0) & (np.arange(len(MAGNITUDES)) < 10)
