"""Decoded images as 8-bit values, and their labels: a batch is one copy out of each."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from hf_dynsel.data.gathered import Gathered
from hf_dynsel.data.mapped_images import MappedImages


class RawImages(Dataset[dict[str, Tensor]]):
    """Gives `pixel_values` as 8-bit values, and `labels` if there are any.

    Args:
        images: None where only labels are to be fetched.
        labels: one for each row, if there are any.
        size: rows.
    """

    def __init__(self, images: MappedImages | None, labels: Tensor | None, size: int) -> None:
        self.images, self.labels, self.size = images, labels, size

    def without_images(self) -> "RawImages":
        """Returns the labels alone."""
        return RawImages(None, self.labels, self.size)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: Sequence[int]) -> Gathered:
        """Returns a batch at once."""
        images = None if self.images is None else self.images.tensor
        columns = {"pixel_values": images, "labels": self.labels}
        places = torch.as_tensor(rows, dtype=torch.int64)
        # On a processor, many times as fast as columns[places].
        return Gathered({n: c.index_select(0, places) for n, c in columns.items() if c is not None})
