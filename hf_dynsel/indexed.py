"""Makes every batch carry the ids of its samples, whatever the dataset and the collator."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch.utils.data import Dataset, IterableDataset

from hf_dynsel.augment import Augmentation
from hf_dynsel.data.gathered import Gathered
from hf_dynsel.draws import Draws, only_stacks
from hf_dynsel.places import Places

INDEX = "hf_dynsel_index"  # the ids' key in a batch: int64, shape (b,)


class Indexed(NamedTuple):
    """One sample and its row."""

    row: int
    sample: Any


class IndexedBatch(NamedTuple):
    """Samples that were fetched as one batch, and their rows."""

    rows: Sequence[int]
    samples: Gathered


class IndexedDataset(Dataset[Indexed]):
    """A map-style dataset whose samples know their row. Works in fork and spawn workers.

    Args:
        dataset: the samples.
        draws: random numbers of its transforms. None leaves the process's own.
        augmentation: is done to samples that are marked. None leaves all as they are.

    Raises:
        TypeError: if the dataset is iterable or has no length.
    """

    def __init__(
        self,
        dataset: Any,
        draws: Draws | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        if dataset is None:
            raise TypeError(
                "dynamic selection needs a train_dataset; to evaluate only, use Trainer"
            )
        if isinstance(dataset, Mapping):
            raise TypeError(
                f"dynamic selection needs one training set, got a {type(dataset).__name__} of "
                f"{len(dataset)}; join them with datasets.concatenate_datasets"
            )
        if isinstance(dataset, IterableDataset) or not (
            hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")
        ):
            raise TypeError(
                f"dynamic selection needs a map-style dataset, got {type(dataset).__name__}: an "
                "iterable one cannot fetch the chosen rows. Load it without streaming=True, or "
                "collect it with Dataset.from_generator"
            )
        self.dataset, self.draws, self.augmentation = dataset, draws, augmentation

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Indexed:
        return Indexed(index, self._fetched([index])[0])

    def __getitems__(self, indices: Sequence[int]) -> list[Indexed] | list[IndexedBatch]:
        """Fetches a batch at once where the dataset can, as torch's loader does."""
        samples = self._fetched(indices)
        if isinstance(samples, Gathered):
            return [IndexedBatch(indices, samples)]  # a list: `Trainer` may copy it as one
        return [Indexed(i, sample) for i, sample in zip(indices, samples, strict=True)]

    def _fetched(self, indices: Sequence[int]) -> Any:
        with self.draws.of(indices, stream=0) if self.draws else nullcontext():
            if hasattr(self.dataset, "__getitems__"):
                samples = self.dataset.__getitems__(indices)
            else:
                samples = [self.dataset[index] for index in indices]
            if self.augmentation is not None:
                samples = self.augmentation.of_samples(indices, samples)
        return samples


class IndexedCollator:
    """Collates the samples as `collate` does and adds their ids under `INDEX`.

    Args:
        collate: makes a batch of samples.
        draws: random numbers of `collate`. None leaves the process's own.
        augmentation: notes in the batch what it is to do on the device, if anything.
        places: of images, noted in the batch to be cropped and mirrored on the device.
    """

    def __init__(
        self,
        collate: Callable[[list[Any]], Any],
        draws: Draws | None = None,
        augmentation: Augmentation | None = None,
        places: Places | None = None,
    ) -> None:
        self.collate, self.draws = collate, draws
        self.augmentation, self.places = augmentation, places

    def __call__(self, rows: list[Indexed] | list[IndexedBatch]) -> MutableMapping[str, Any]:
        """Returns the batch.

        Raises:
            TypeError: if the collator does not return a mapping.
        """
        ids, samples = _apart(rows)
        batch = self._collated(ids, samples)
        if not isinstance(batch, Mapping):
            raise TypeError(
                f"the data collator returned {type(batch).__name__}; Trainer models take "
                "keyword arguments, so it must return a dictionary of tensors"
            )
        batch = batch if isinstance(batch, MutableMapping) else dict(batch)
        batch[INDEX] = torch.tensor(ids, dtype=torch.int64)
        if self.augmentation is not None:
            self.augmentation.note(batch, ids)
        if self.places is not None:
            self.places.note(batch, ids)
        return batch

    def _collated(self, ids: Sequence[int], samples: list[Any] | Gathered) -> Any:
        if isinstance(samples, Gathered) and only_stacks(self.collate):
            return dict(samples.batch)
        with self.draws.of(ids, stream=1) if self.draws else nullcontext():
            return self.collate(list(samples))


def _apart(rows: list[Any]) -> tuple[Sequence[int], list[Any] | Gathered]:
    match rows:
        case [IndexedBatch(ids, samples)]:
            return ids, samples
    return [row.row for row in rows], [row.sample for row in rows]
