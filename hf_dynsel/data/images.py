"""Turns stored images into model inputs, with random crop and flip for training."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from hf_dynsel.data.crops import random_crop, random_flip
from hf_dynsel.data.normalise import Normalise
from hf_dynsel.extras import require

MODES = {1: "L", 3: "RGB"}
BILINEAR = 2  # PIL.Image.Resampling.BILINEAR


@dataclass(frozen=True)
class ImageTransform:
    """Gives `pixel_values` and `labels` for a batch of rows; made for `Dataset.with_transform`.

    Other columns are left out. Set `remove_unused_columns=False` in the training arguments, or
    the `Trainer` removes the column `image` before this sees it.

    Args:
        mean: of each channel, on the scale 0 to 1; one number stands for all channels.
        std: the same.
        channels: 1 for grey, 3 for colour; images of the other kind are converted.
        size: height and width to resize to, in pixels. None leaves images as they are.
        shorter_side: resize so that the shorter side has so many pixels, and take the middle of
            `size`; without it, all of the image is resized to `size`, whatever its shape.
        random_area: resize a random area to `size`, of 8 to 100 % of the image and 3/4 to 4/3
            times as wide as high.
        crop_padding: zero pixels to add on every side before a random crop to the old size.
        flip: mirror half of the images, left to right.

    Raises:
        ValueError: if a value is out of range.
    """

    mean: Sequence[float] = (0.5,)
    std: Sequence[float] = (0.5,)
    channels: int = 3
    size: int | None = None
    shorter_side: int | None = None
    random_area: bool = False
    crop_padding: int = 0
    flip: bool = False

    def __post_init__(self) -> None:
        if self.channels not in MODES:
            raise ValueError(f"channels must be 1 (grey) or 3 (colour), got {self.channels}")
        for name, values in {"mean": self.mean, "std": self.std}.items():
            if len(values) not in (1, self.channels):
                raise ValueError(
                    f"{name} must have one value, or one for each of the {self.channels} "
                    f"channels, got {list(values)}"
                )
        if min(self.std) <= 0:
            raise ValueError(f"std must be above 0, got {list(self.std)}")
        if self.size is not None and self.size < 1:
            raise ValueError(f"size must be at least 1 pixel, got {self.size}")
        if self.crop_padding < 0:
            raise ValueError(f"crop_padding must be at least 0 pixels, got {self.crop_padding}")
        if self.shorter_side is not None and self.shorter_side < (self.size or math.inf):
            raise ValueError(
                f"shorter_side must be at least size, the pixels that are cut out of its middle; "
                f"got shorter_side {self.shorter_side} and size {self.size}"
            )
        if self.random_area and self.size is None:
            raise ValueError("random_area resizes to size, which is not set; set it to 224, say")

    def deterministic(self) -> "ImageTransform":
        """Returns the same transform without its random parts, for evaluation and features."""
        return replace(self, random_area=False, crop_padding=0, flip=False)

    def __call__(self, rows: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Returns `pixel_values` (batch, channels, height, width), and `labels` if there are any.

        Raises:
            ValueError: if there is no column `image`, or if images differ in size and `size` is
                not set.
        """
        if "image" not in rows:
            raise ValueError(
                f"there is no column 'image' (there are: {list(rows)}); if the Trainer removed it, "
                "set remove_unused_columns=False in its arguments"
            )
        inputs = {"pixel_values": self.finish(self.decode(rows["image"]))}
        if "label" in rows:
            inputs["labels"] = torch.as_tensor(rows["label"], dtype=torch.int64)
        return inputs

    def decode(self, images: Sequence[Any]) -> UInt8[torch.Tensor, "n c h w"]:
        """Returns stored images as tensors of one size, before all that `finish` does.

        Raises:
            ValueError: if images differ in size and `size` is not set.
        """
        return torch.from_numpy(self._read(images)).permute(0, 3, 1, 2)

    def finish(self, images: UInt8[torch.Tensor, "n c h w"]) -> Float32[torch.Tensor, "n c h w"]:
        """Returns decoded images cropped and mirrored at random, and normalised."""
        if self.crop_padding:
            images = random_crop(images, self.crop_padding)
        if self.flip:
            images = random_flip(images)
        return Normalise(self.mean, self.std)(images)

    def _read(self, images: Sequence[Any]) -> UInt8[np.ndarray, "n h w c"]:
        pil, mode = require("PIL.Image", "vision"), MODES[self.channels]
        arrays = []
        for image in images:
            picture = image if isinstance(image, pil.Image) else pil.fromarray(np.asarray(image))
            picture = picture if picture.mode == mode else picture.convert(mode)
            arrays.append(np.asarray(self._resized(picture)))
        if len(shapes := {array.shape[:2] for array in arrays}) > 1:
            raise ValueError(
                f"images of one batch have the sizes {sorted(shapes)} (height, width); set size "
                "to resize them"
            )
        return np.stack(arrays).reshape(len(arrays), *arrays[0].shape[:2], self.channels)

    def _resized(self, picture: Any) -> Any:
        if self.size is None:
            return picture
        if not self.random_area and self.shorter_side is None:
            return picture.resize((self.size, self.size), resample=BILINEAR)
        v2 = require("torchvision.transforms.v2", "vision")
        if self.random_area:
            return v2.RandomResizedCrop(self.size)(picture)
        return v2.CenterCrop(self.size)(v2.Resize(self.shorter_side)(picture))
