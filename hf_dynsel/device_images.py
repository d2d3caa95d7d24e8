"""Finishes decoded images on the device that trains: each cropped and mirrored by its own draw."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from hf_dynsel.data.crops import crop, mirror
from hf_dynsel.data.decoded import DecodedImages
from hf_dynsel.data.normalise import Normalise
from hf_dynsel.data.raw_images import RawImages
from hf_dynsel.sample_keys import PLACED, Keys, sample_keys

KEY = "pixel_values"
PLACES = "hf_dynsel_places"  # the key, in a batch, of each image's top, left and mirrored
SHARE = 4  # images stay on a GPU if it has so many times their bytes free before training


class DeviceImages:
    """What a run does to the decoded images of its training set, after they left the loader.

    On a GPU with room, all images lie there and a batch brings no more than rows and labels.

    Args:
        decoded: the training set.
        seed: of the run.
        device: that trains.
    """

    def __init__(self, decoded: DecodedImages, seed: int, device: torch.device) -> None:
        self._decoded, self._seed, self._device = decoded, seed, device
        transform = decoded.transform
        self._padding, self._flip = transform.crop_padding, transform.flip
        self._normalise = Normalise(transform.mean, transform.std, device)
        self._resident: Tensor | None = None
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # workers see it change

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the batches to come."""
        self._epoch.fill_(epoch)

    def fetched(self) -> RawImages:
        """Returns what a loader is to fetch, once the images are on the device if they may."""
        images = self._decoded.images.tensor
        if not has_room(images.nbytes, self._device):
            return self._decoded.raw
        self._resident = images.to(self._device)
        return self._decoded.raw.without_images()

    def note(self, batch: MutableMapping[str, Any], ids: Sequence[int]) -> None:
        """Puts into a collated batch where `place` is to crop and mirror it."""
        if self._padding or self._flip:
            rows = np.asarray(ids, np.int64)
            keys = sample_keys(self._seed, int(self._epoch), PLACED, rows)
            batch[PLACES] = torch.from_numpy(draw_places(keys, self._padding, self._flip))

    def place(self, batch: MutableMapping[str, Any], ids: Int[Tensor, " b"]) -> None:
        """Crops and mirrors the images of a batch on the device; they stay 8-bit values."""
        if self._resident is not None:
            batch[KEY] = self._resident.index_select(0, ids)
        places = batch.pop(PLACES, None)
        if self._padding:
            batch[KEY] = crop(batch[KEY], self._padding, places[:, :2])
        if self._flip:
            batch[KEY] = mirror(batch[KEY], places[:, 2] > 0)

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


def draw_places(keys: Keys, padding: int, flip: bool) -> Int[np.ndarray, "m 3"]:
    """Returns top and left of each window, from 0 to twice the padding, and 1 where mirrored."""
    upper, middle = keys >> np.uint64(40), (keys >> np.uint64(16)) & np.uint64(0xFFFFFF)
    # 24 bits times a count, over 2**24: from 0 to the count, all but equally likely.
    count = np.uint64(2 * padding + 1)
    top, left = ((bits * count) >> np.uint64(24) for bits in (upper, middle))
    mirrored = keys & np.uint64(flip)
    places: Int[np.ndarray, "m 3"] = np.stack([top, left, mirrored], axis=1).astype(np.int64)
    return places
