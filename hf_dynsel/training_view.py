"""How training sees its samples: with ids, random numbers of their own, augmented and mixed."""

from collections.abc import Callable, MutableMapping
from typing import Any

from torch import Tensor

from hf_dynsel.augment import Augmentation, Augmenter
from hf_dynsel.core import Selection, Selector
from hf_dynsel.device_images import DeviceImages
from hf_dynsel.draws import Draws, collates_only, only_stacks, stored
from hf_dynsel.indexed import IndexedCollator, IndexedDataset
from hf_dynsel.mixing import Mixing, MixingCollator


class TrainingView:
    """What a run does to its training samples; those of evaluation and sweeps never come here.

    Args:
        selector: whose selections mark samples.
        size: rows of the training set.
        seed: of the run.
        augment: what is done to marked samples.
        mixing: what is done to batches.
        images: the training set, where it is decoded images.

    Raises:
        ValueError: if the selector marks samples and there is no augmenter, or the other way, or
            if what is done on the device would have to come before what is done on the host.
        TypeError: if the augmenter is of another class.
    """

    def __init__(
        self,
        selector: Selector,
        size: int,
        seed: int,
        augment: Augmenter | None = None,
        mixing: Mixing | None = None,
        images: DeviceImages | None = None,
    ) -> None:
        self._draws = Draws(seed)
        self._augmentation = Augmentation(augment, selector, size, seed)
        self._mixing, self._images = mixing, images
        if images is not None:
            _require_on_device(augment, self._augmentation.on_device, mixing)
        if mixing is not None and self._augmentation.on_device:
            raise ValueError(
                "mixing joins images in worker processes, before on_device=True would augment "
                "them; set on_device=False"
            )

    def start(self, epoch: int, selection: Selection) -> None:
        """Sets the epoch of the batches to come."""
        self._draws.set_epoch(epoch)
        self._augmentation.start(epoch, selection)
        if self._images is not None:
            self._images.places.set_epoch(epoch)

    def dataset(self, rows: Any) -> IndexedDataset:
        """Returns the training set for a loader."""
        if self._images is not None:  # nothing random is to be done on the host
            return IndexedDataset(self._images.fetched())
        # Setting generators and setting them back costs as much as a small model's backward pass.
        idle = stored(rows) and self._augmentation.augmenter is None
        return IndexedDataset(rows, None if idle else self._draws, self._augmentation)

    def collator(self, collate: Callable[[list[Any]], Any]) -> IndexedCollator:
        """Returns the collator of a loader of the training set.

        Raises:
            ValueError: if decoded images would go through a collator of one's own.
        """
        if self._images is not None and not only_stacks(collate):
            raise ValueError(
                f"decoded images are fetched as whole batches, and the data collator {collate!r} "
                "would never see finished samples; leave out data_collator, or use "
                "dataset.with_transform in place of decode_images"
            )
        mixed = collate if self._mixing is None else MixingCollator(collate, self._mixing)
        places = None if self._images is None else self._images.places
        draws = None if collates_only(mixed) else self._draws
        return IndexedCollator(mixed, draws, self._augmentation, places)

    def of_batch(self, batch: MutableMapping[str, Any], ids: Tensor) -> None:
        """Does to a batch of so many rows what is left to do on the device."""
        if self._images is not None:
            self._images.place(batch, ids)
        self._augmentation.of_batch(batch)
        if self._images is not None:
            self._images.normalise(batch)


def _require_on_device(augment: Augmenter | None, on_device: bool, mixing: Mixing | None) -> None:
    """Raises ValueError where workers would change images that are not cropped yet."""
    if augment is not None and not on_device:
        raise ValueError(
            "decoded images are cropped on the device, after worker processes would augment them; "
            "augment there too: TrivialAugmentWide(on_device=True), without mean and std"
        )
    if mixing is not None:
        raise ValueError(
            "decoded images are cropped on the device, after worker processes would mix them; "
            "leave out mixing, or use dataset.with_transform in place of decode_images"
        )
