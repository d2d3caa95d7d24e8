"""Draws where each image is cropped and whether it is mirrored, and notes it in its batch."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from hf_dynsel.sample_keys import PLACED, Keys, sample_keys

PLACES = "hf_dynsel_places"  # the key, in a batch, of each image's top, left and mirrored


class Places:
    """The places of the images of one run; worker processes have a copy and know the epoch.

    Args:
        seed: of the run.
        padding: pixels of the frame that images are cropped from.
        flip: whether half of the images are mirrored.
    """

    def __init__(self, seed: int, padding: int, flip: bool) -> None:
        self.seed, self.padding, self.flip = seed, padding, flip
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # workers see it change

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the batches to come."""
        self._epoch.fill_(epoch)

    def note(self, batch: MutableMapping[str, Any], ids: Sequence[int]) -> None:
        """Puts the places of these rows into a collated batch, if they have any."""
        if self.padding or self.flip:
            rows = np.asarray(ids, np.int64)
            keys = sample_keys(self.seed, int(self._epoch), PLACED, rows)
            batch[PLACES] = torch.from_numpy(draw_places(keys, self.padding, self.flip))


def draw_places(keys: Keys, padding: int, flip: bool) -> Int[np.ndarray, "m 3"]:
    """Returns top and left of each window, from 0 to twice the padding, and 1 where mirrored."""
    upper, middle = keys >> np.uint64(40), (keys >> np.uint64(16)) & np.uint64(0xFFFFFF)
    # 24 bits times a count, over 2**24: from 0 to the count, all but equally likely.
    count = np.uint64(2 * padding + 1)
    top, left = ((bits * count) >> np.uint64(24) for bits in (upper, middle))
    mirrored = keys & np.uint64(flip)
    places: Int[np.ndarray, "m 3"] = np.stack([top, left, mirrored], axis=1).astype(np.int64)
    return places
