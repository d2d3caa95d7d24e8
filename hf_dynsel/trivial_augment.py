"""`TrivialAugmentWide`: one light random operation for each image, on top of its transform."""

from collections import defaultdict
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from hf_dynsel.augment import BatchAugmenter
from hf_dynsel.augment_ops import trivial_augment_wide
from hf_dynsel.extras import require
from hf_dynsel.sample_keys import Keys

CHANNELS = (1, 3)
OUTSIDE = 0.1  # of black and white: as far as resizing with an overshoot may go


@dataclass
class TrivialAugmentWide(BatchAugmenter):
    """Changes each image by one operation of fourteen at one strength of 31.

    The normalisation is undone, the image changed as 8-bit values and normalised again; to the
    bit, an operation that changes nothing returns the image as it was, if it was made of 8 bits.

    Args:
        mean: that the transform subtracts from each channel, on the scale 0 to 1; one number
            stands for all channels. None for images that are 8-bit tensors.
        std: that it divides by, the same way.
        key: of the images in samples and batches.
        on_device: change batches when they have reached the device, not samples in workers.

    Raises:
        ValueError: if mean and std do not fit each other.
        ImportError: if torchvision is not installed.
    """

    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    key: str = "pixel_values"
    on_device: bool = False
    _looked: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require("torchvision.transforms.v2.functional", "vision")
        if (self.mean is None) != (self.std is None):
            raise ValueError(f"give both mean and std, or neither; got {self.mean} and {self.std}")
        for name, values in {"mean": self.mean, "std": self.std}.items():
            if values is not None and len(values) not in CHANNELS:
                raise ValueError(f"{name} must have one value, or one for each of 3, got {values}")
        if self.std is not None and min(self.std) <= 0:
            raise ValueError(f"std must be above 0, got {list(self.std)}")

    def samples(self, samples: Sequence[Any], keys: Keys) -> list[Any]:
        """Returns copies of samples, mappings, with changed images; those of one size together.

        Raises:
            TypeError: if an image is no tensor.
            ValueError: if it is not there, or of another kind.
        """
        images = [self._image(sample, dimensions=3) for sample in samples]
        alike = defaultdict(list)
        for place, image in enumerate(images):
            alike[image.shape, image.dtype].append(place)
        changed: list[Any] = [None] * len(samples)
        for places in alike.values():
            together = self._changed(torch.stack([images[place] for place in places]), keys[places])
            for place, image in zip(places, together, strict=True):
                changed[place] = {**samples[place], self.key: image}
        return changed

    def batch(
        self, batch: MutableMapping[str, Any], rows: Int[np.ndarray, " m"], keys: Keys
    ) -> None:
        """Replaces the images of a batch by others, of which some rows are changed.

        Raises:
            TypeError: if the images are no tensor.
            ValueError: if they are not there, or of another kind.
        """
        images = self._image(batch, dimensions=4)
        places = torch.from_numpy(rows).to(images.device, non_blocking=True)
        changed = self._changed(images[places], keys)
        batch[self.key] = images.index_copy(0, places, changed)

    def _image(self, holder: Any, dimensions: int) -> Tensor:
        """Returns the image of a sample, or the images of a batch."""
        if not isinstance(holder, Mapping) or self.key not in holder:
            found = sorted(holder) if isinstance(holder, Mapping) else type(holder).__name__
            raise ValueError(
                f"there is no '{self.key}' to augment, but {found}; pass key= with the name that "
                "the images have after the dataset's transform"
            )
        image = holder[self.key]
        if not isinstance(image, Tensor):
            raise TypeError(
                f"'{self.key}' must be a torch tensor to be augmented, got {type(image).__name__}; "
                "make it one in the dataset's transform, or set dataset.with_format('torch')"
            )
        self._check(image, dimensions)
        return image

    def _check(self, image: Tensor, dimensions: int) -> None:
        if image.ndim != dimensions or image.shape[-3] not in CHANNELS:
            raise ValueError(
                f"'{self.key}' must have the shape {'(samples, ' if dimensions == 4 else '('}"
                f"channels, height, width) with 1 or 3 channels, got {tuple(image.shape)}"
            )
        if image.dtype == torch.uint8 and self.mean is not None:
            raise ValueError(
                f"'{self.key}' is of 8-bit values, which mean and std do not fit; leave them out"
            )
        if image.dtype != torch.uint8 and (self.mean is None or image.dtype != torch.float32):
            raise ValueError(
                f"'{self.key}' has the type {image.dtype}, and can be augmented as torch.uint8, or "
                "as torch.float32 if you pass the mean and std that it was normalised by"
            )
        for name, values in {"mean": self.mean, "std": self.std}.items():
            if values is not None and len(values) not in (1, image.shape[-3]):
                raise ValueError(
                    f"{name} has {len(values)} values and '{self.key}' {image.shape[-3]} channels"
                )

    def _changed(self, images: Tensor, keys: Keys) -> Tensor:
        if self.mean is None or self.std is None:
            return trivial_augment_wide(images, keys)
        mean, std = (
            torch.tensor(values).reshape(1, -1, 1, 1).to(images.device, non_blocking=True)
            for values in (self.mean, self.std)
        )
        levels = (images * std + mean) * 255
        self._look_at(levels)
        changed = trivial_augment_wide(levels.round_().clamp_(0, 255).byte(), keys)
        return (changed.float() / 255 - mean) / std

    def _look_at(self, levels: Float[Tensor, "m c h w"]) -> None:
        """Refuses a mean and std that do not lead back to images."""
        if self._looked and levels.device.type != "cpu":
            return  # every look would wait for the device
        self._looked = True
        low, high = (float(end) / 255 for end in levels.aminmax())
        if low < -OUTSIDE or high > 1 + OUTSIDE:
            raise ValueError(
                f"with mean {self.mean} and std {self.std} taken back, '{self.key}' goes from "
                f"{low:.2f} to {high:.2f}, and images go from 0 to 1; pass the numbers that the "
                "dataset's transform normalises by"
            )
