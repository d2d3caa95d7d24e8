"""Turns what an image column holds, pictures or 8-bit arrays, into arrays, RGB or batches."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from hf_dynsel import extras


def to_array(value: Any) -> UInt8[np.ndarray, "h w *c"]:
    """Returns an image's 8-bit pixels: (height, width), or with a last axis of 1 or 3 channels.

    Raises:
        TypeError: if the value is neither a PIL image nor an array.
        ValueError: if the pixels are not 8-bit, or the shape is not that of an image.
    """
    array = np.asarray(value if isinstance(value, list | np.ndarray) else _picture(value))
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (1, 3)):
        raise ValueError(
            f"an image must have the shape (height, width), (height, width, 1) or "
            f"(height, width, 3), got {array.shape}; move the channels to the end"
        )
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
        raise ValueError(
            f"an image must hold integers from 0 to 255, got {array.dtype} from {array.min()} "
            f"to {array.max()}; scale it to 8 bits"
        )
    return array.astype(np.uint8)


def to_rgb(value: Any) -> Any:
    """Returns a PIL image in RGB; grey is repeated over the channels."""
    if not isinstance(value, list | np.ndarray):
        return _picture(value).convert("RGB")
    array = to_array(value)
    picture = extras.require("PIL.Image", "vision").fromarray
    return picture(array[..., 0] if array.shape[2:] == (1,) else array).convert("RGB")


def rgb_batch(
    rows: list[dict[str, Any]], column: str, transform: Callable[[Any], Tensor]
) -> dict[str, Tensor]:
    """Returns the transformed images of some rows as one batch of `pixel_values`."""
    return {"pixel_values": torch.stack([transform(to_rgb(row[column])) for row in rows])}


def _picture(value: Any) -> Any:
    """Returns a PIL image in mode L or RGB."""
    if not isinstance(value, extras.require("PIL.Image", "vision").Image):
        raise TypeError(
            f"an image must be a PIL image or an array, got {type(value).__name__}; cast the "
            "column to datasets.Image(), and drop the rows without an image"
        )
    if value.mode.startswith(("I", "F")):
        # PIL would clip these to 255 without a word.
        raise ValueError(
            f"the image has the mode '{value.mode}', more than 8 bits per channel; "
            "scale it to 8 bits"
        )
    if value.mode in ("L", "RGB"):
        return value
    return value.convert("L" if value.mode == "1" else "RGB")
