"""A dataset of images that were decoded and resized once."""

from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from hf_dynsel.data.gathered import Gathered
from hf_dynsel.data.images import ImageTransform
from hf_dynsel.data.mapped_images import MappedImages
from hf_dynsel.data.raw_images import RawImages


class DecodedImages(TorchDataset[dict[str, Tensor]]):
    """Gives, to the bit, what `dataset.with_transform(transform)` gives, in any loader.

    `DynamicSelectionTrainer` and `train` use it better for training: 8-bit values travel, and
    what the transform does at random and the normalisation is done on the device, to each sample
    by the seed, the epoch and its row alone. `decode_images` makes one.

    Args:
        dataset: the rows; their labels and scores are read, their images no more.
        images: of the same rows.
        transform: whose decoding and resizing is done.
    """

    def __init__(self, dataset: Dataset, images: MappedImages, transform: ImageTransform) -> None:
        self.dataset, self.transform, self.images = dataset, transform, images
        self.raw = RawImages(images, _labels(dataset), len(dataset))

    def deterministic(self) -> "DecodedImages":
        """Returns the same images without what is random, as evaluation and sweeps see them."""
        return DecodedImages(self.dataset, self.images, self.transform.deterministic())

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: Sequence[int]) -> Gathered:
        """Returns `pixel_values`, and `labels` if there are any, of a batch at once."""
        batch = self.raw.__getitems__(rows).batch
        return Gathered({**batch, "pixel_values": self.transform.finish(batch["pixel_values"])})


def table_of(dataset: Any) -> Any:
    """Returns the table of rows behind decoded images; of other datasets, themselves."""
    return dataset.dataset if isinstance(dataset, DecodedImages) else dataset


def _labels(dataset: Dataset) -> Tensor | None:
    if "label" not in dataset.column_names:
        return None
    column = dataset.select_columns(["label"]).with_format("numpy")[:]["label"]
    return torch.as_tensor(column, dtype=torch.int64)
