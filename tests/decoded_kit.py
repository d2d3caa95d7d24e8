"""Stored pictures of random pixels, decoded once, and their views cut out by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import ClassLabel, Dataset, Features, Image

from augment_kit import MEAN, STD, Pictures
from hf_dynsel.data import DecodedImages, ImageTransform, decode_images
from hf_dynsel.data.netpbm import image_column
from hf_dynsel.places import draw_places
from hf_dynsel.sample_keys import PLACED, sample_keys

PADDING = 2
CLEAN = ImageTransform(MEAN, STD)
RANDOM = ImageTransform(MEAN, STD, crop_padding=PADDING, flip=True)


def stored(count: int, channels: int = 3) -> Dataset:
    """The levels of `Pictures` as files, with labels that are rows modulo three."""
    levels = Pictures(count, channels=channels).levels
    shape = levels.permute(0, 2, 3, 1) if channels == 3 else levels[:, 0]
    kinds = Features(image=Image(), label=ClassLabel(names=["a", "b", "c"]))
    columns = {"image": image_column(shape.contiguous().numpy()), "label": np.arange(count) % 3}
    return Dataset.from_dict(columns, features=kinds)


def decoded(folder: Path, count: int, transform: ImageTransform = RANDOM) -> DecodedImages:
    return decode_images(stored(count), transform, cache_dir=folder, progress=False)


def views(count: int, epoch: int, seed: int) -> torch.Tensor:
    """The 8-bit images that training is to see, each cut out of a frame of zeros."""
    keys = sample_keys(seed, epoch, PLACED, np.arange(count))
    found = []
    for levels, (top, left, mirrored) in zip(
        Pictures(count).levels.numpy(), draw_places(keys, PADDING, True), strict=True
    ):
        framed = np.pad(levels, ((0, 0), (PADDING, PADDING), (PADDING, PADDING)))
        window = framed[:, top : top + 12, left : left + 12]
        found.append(window[..., ::-1] if mirrored else window)
    return torch.from_numpy(np.stack(found))


def normalised(levels: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (MEAN, STD))
    normal: Any = (levels.float() / 255 - mean) / std
    return normal
