"""Real pictures, torchvision as an oracle, and a selector that marks; workers import this."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from hf_dynsel.augment import Augmenter
from hf_dynsel.augment_ops import MAGNITUDES, SIGNED
from hf_dynsel.core import Selection, Selector

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def photos(height: int, width: int) -> torch.Tensor:
    """Two photographs, uint8 of shape (2, 3, height, width)."""
    from sklearn.datasets import load_sample_image

    pictures = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    rows, columns = (
        np.linspace(0, end - 1, n).astype(int) for end, n in ((427, height), (640, width))
    )
    small = np.stack([picture[rows][:, columns] for picture in pictures])
    return torch.from_numpy(small).permute(0, 3, 1, 2).contiguous()


def clothes(count: int) -> torch.Tensor:
    """Images of Fashion-MNIST, uint8 of shape (count, 1, 28, 28)."""
    from hf_dynsel.data.idx import DEBIAN
    from hf_dynsel.data.idx_format import read_idx

    return torch.from_numpy(read_idx(DEBIAN / "t10k-images-idx3-ubyte.gz", 3)[:count].copy())[
        :, None
    ]


def strengths(number: int) -> np.ndarray:
    """Every magnitude of an operation, of either sign where there are two."""
    return np.concatenate([MAGNITUDES[number], -MAGNITUDES[number]][: 1 + SIGNED[number]])


def by_torchvision(images: torch.Tensor, number: int, magnitudes: np.ndarray) -> torch.Tensor:
    """Each image changed by torchvision's own TrivialAugmentWide at a given magnitude."""
    from torchvision.transforms.v2 import TrivialAugmentWide

    wide = TrivialAugmentWide()
    name = list(wide._AUGMENTATION_SPACE)[number]
    settings = {"interpolation": wide.interpolation, "fill": wide._fill}
    return torch.stack(
        [
            wide._apply_image_or_video_transform(image, name, float(magnitude), **settings)
            for image, magnitude in zip(images, magnitudes, strict=True)
        ]
    )


class Pictures(Dataset[dict[str, Any]]):
    """Images of random pixels, normalised by `MEAN` and `STD` or of 8 bits; labels are rows."""

    def __init__(self, count: int, normalised: bool = True, channels: int = 3) -> None:
        generator = torch.Generator().manual_seed(5)
        shape = (count, channels, 12, 12)
        self.levels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        self.normalised = normalised

    def __len__(self) -> int:
        return len(self.levels)

    def __getitem__(self, row: int) -> dict[str, Any]:
        image = self.levels[row]
        if self.normalised:
            mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (MEAN, STD))
            image = (image.float() / 255 - mean) / std
        return {"pixel_values": image, "labels": row % 3}


@dataclass
class Marking(Selector):
    """Selects all rows; marks those whose number plus the epoch is divisible by three."""

    def select(self, epoch: int) -> Selection:
        rows = np.arange(self.pool.size)
        return Selection(rows, augment=(rows + epoch) % 3 == 0)

    def planned_size(self, epoch: int) -> int:
        return self.pool.size

    def augments(self) -> bool:
        return True


def marks(epoch: int, size: int) -> Selection:
    """What `Marking` selects of so many rows."""
    rows = np.arange(size)
    return Selection(rows, augment=(rows + epoch) % 3 == 0)


class Suffix(Augmenter):
    """Appends its key to a text."""

    def samples(self, samples: Any, keys: Any) -> list[Any]:
        return [f"{text} {key}" for text, key in zip(samples, keys, strict=True)]
