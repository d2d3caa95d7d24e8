"""Finishes decoded images on the device that trains: cropped, mirrored and normalised."""

from collections.abc import MutableMapping
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from hf_dynsel.data.crops import crop, mirror
from hf_dynsel.data.decoded import DecodedImages
from hf_dynsel.data.normalise import Normalise
from hf_dynsel.data.raw_images import RawImages
from hf_dynsel.places import PLACES, Places

KEY = "pixel_values"
SHARE = 4  # images stay on a GPU if it has so many times their bytes free before training


class DeviceImages:
    """What a run does to the decoded images of its training set, after they left the loader.

    On a GPU with room, all images lie there and a batch brings no more than rows and labels.

    Args:
        decoded: the training set.
        seed: of the run.
        device: that trains.

    Attributes:
        places: of each image in each epoch.
    """

    def __init__(self, decoded: DecodedImages, seed: int, device: torch.device) -> None:
        self._decoded, self._device = decoded, device
        transform = decoded.transform
        self.places = Places(seed, transform.crop_padding, transform.flip)
        self._normalise = Normalise(transform.mean, transform.std, device)
        self._resident: Tensor | None = None

    def fetched(self) -> RawImages:
        """Returns what a loader is to fetch, once the images are on the device if they may."""
        images = self._decoded.images.tensor
        if not has_room(images.nbytes, self._device):
            return self._decoded.raw
        self._resident = images.to(self._device)
        return self._decoded.raw.without_images()

    def place(self, batch: MutableMapping[str, Any], ids: Int[Tensor, " b"]) -> None:
        """Crops and mirrors the images of a batch on the device; they stay 8-bit values."""
        if self._resident is not None:
            batch[KEY] = self._resident.index_select(0, ids)
        drawn = batch.pop(PLACES, None)
        if self.places.padding:
            batch[KEY] = crop(batch[KEY], self.places.padding, drawn[:, :2])
        if self.places.flip:
            batch[KEY] = mirror(batch[KEY], drawn[:, 2] > 0)

    def normalise(self, batch: MutableMapping[str, Any]) -> None:
        """Turns the 8-bit images of a batch into the model's input."""
        batch[KEY] = self._normalise(batch[KEY])


def device_images(dataset: Any, seed: int, device: torch.device) -> DeviceImages | None:
    """Returns what finishes the images of a training set; None if it is no decoded images."""
    return DeviceImages(dataset, seed, device) if isinstance(dataset, DecodedImages) else None


def has_room(size: int, device: torch.device) -> bool:
    """Returns whether so many bytes are at most a quarter of the memory that a GPU has free."""
    if device.type != "cuda":  # elsewhere, a batch is as near in the mapped file
        return False
    free, _ = torch.accelerator.get_memory_info(device)
    return size * SHARE <= free
