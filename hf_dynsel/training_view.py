"""How training sees its samples: with ids, random numbers of their own, augmented and mixed."""

from collections.abc import Callable, MutableMapping
from typing import Any

from hf_dynsel.augment import Augmentation, Augmenter
from hf_dynsel.core import Selection, Selector
from hf_dynsel.draws import Draws, collates_only, stored
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

    Raises:
        ValueError: if the selector marks samples and there is no augmenter, or the other way, or
            if batches are to be mixed before they are augmented.
        TypeError: if the augmenter is of another class.
    """

    def __init__(
        self,
        selector: Selector,
        size: int,
        seed: int,
        augment: Augmenter | None = None,
        mixing: Mixing | None = None,
    ) -> None:
        self._draws = Draws(seed)
        self._augmentation = Augmentation(augment, selector, size, seed)
        self._mixing = mixing
        if mixing is not None and self._augmentation.on_device:
            raise ValueError(
                "mixing joins images in worker processes, before on_device=True would augment "
                "them; set on_device=False"
            )

    def start(self, epoch: int, selection: Selection) -> None:
        """Sets the epoch of the batches to come."""
        self._draws.set_epoch(epoch)
        self._augmentation.start(epoch, selection)

    def dataset(self, rows: Any) -> IndexedDataset:
        """Returns the training set for a loader."""
        # Setting generators and setting them back costs as much as a small model's backward pass.
        idle = stored(rows) and self._augmentation.augmenter is None
        return IndexedDataset(rows, None if idle else self._draws, self._augmentation)

    def collator(self, collate: Callable[[list[Any]], Any]) -> IndexedCollator:
        """Returns the collator of a loader of the training set."""
        mixed = collate if self._mixing is None else MixingCollator(collate, self._mixing)
        draws = None if collates_only(mixed) else self._draws
        return IndexedCollator(mixed, draws, self._augmentation)

    def of_batch(self, batch: MutableMapping[str, Any]) -> None:
        """Does to a batch what is left to do on the device."""
        self._augmentation.of_batch(batch)
