"""Moves the pixels of images: shear, shift and rotation, each image by its own amount."""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from torch import Tensor

Images = UInt8[Tensor, "m c h w"]
# a, b, c, d, e, f: what is at (x, y) comes from (ax + by + c, dx + ey + f), in pixels from the
# centre, to the right and down.
Source = tuple[float, float, float, float, float, float]


def shear_x(slope: float, height: int, width: int) -> Source:
    """Returns where pixels come from if rows move left by a slope times their distance from 0."""
    return 1.0, slope, slope * height / 2, 0.0, 1.0, 0.0


def shear_y(slope: float, height: int, width: int) -> Source:
    """Returns where pixels come from if columns move up by a slope times their distance from 0."""
    return 1.0, 0.0, 0.0, slope, 1.0, slope * width / 2


def translate_x(shift: float, height: int, width: int) -> Source:
    """Returns where pixels come from if all move right by a shift, rounded towards zero."""
    return 1.0, 0.0, float(-math.trunc(shift)), 0.0, 1.0, 0.0


def translate_y(shift: float, height: int, width: int) -> Source:
    """Returns where pixels come from if all move down by a shift, rounded towards zero."""
    return 1.0, 0.0, 0.0, 0.0, 1.0, float(-math.trunc(shift))


def rotate(degrees: float, height: int, width: int) -> Source:
    """Returns where pixels come from if they turn counter-clockwise about the centre."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return cos, -sin, 0.0, sin, cos, 0.0


WARPS: Sequence[Callable[[float, int, int], Source]] = (
    shear_x,
    shear_y,
    translate_x,
    translate_y,
    rotate,
)


def warp(images: Images, sources: Sequence[Source]) -> Images:
    """Returns images whose pixels are the nearest to where they come from; zero from outside.

    Every rounding is that of `torchvision.transforms.v2.functional.affine` on a processor with
    fused multiplication and addition, in operations that round alike on every device and in a
    batch of any size. Where a source lies just between two pixels, the last bit decides.
    """
    _, channels, height, width = images.shape
    device = images.device
    size = torch.tensor([width, height], dtype=torch.float32).view(2, 1)
    theta = torch.tensor(sources, dtype=torch.float32).view(-1, 2, 3) / (0.5 * size)
    size, theta = (part.to(device, non_blocking=True) for part in (size[..., None], theta))
    x = torch.arange(width, device=device) - (width - 1) / 2
    y = torch.arange(height, device=device) - (height - 1) / 2
    along = (theta[..., 0, None] * x).double()
    down = theta[..., 1, None].double() * y  # exact, so that only their sum is rounded
    grid = (along[:, :, None, :] + down[..., None]).float().add_(theta[..., 2, None, None])
    source = grid.add_(1).mul_(size).sub_(1).div_(2).round_()  # halves to the even pixel
    column, row = source.clamp_(min=-1).clamp_(max=size).long().unbind(1)
    index = row.mul_(width + 2).add_(column).add_(width + 3).flatten(1)[:, None]
    framed = F.pad(images, [1, 1, 1, 1]).flatten(2)  # a frame of zeros, for all that is outside
    return framed.gather(2, index.expand(-1, channels, -1)).view_as(images)
