"""Augments exactly the samples that a selection marks, the same ones alike wherever it is done."""

from abc import ABC, abstractmethod
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from hf_dynsel.core import Selection, Selector
from hf_dynsel.sample_keys import AUGMENTED, Keys, sample_keys

AUGMENT = "hf_dynsel_augment"  # the key, in a batch, of what is to be augmented on the device


class Augmenter(ABC):
    """Changes samples on top of their normal transform, such as images or tokens.

    All that is random about a sample must come from its key, a random number that depends on the
    seed, the epoch and its row: `np.random.default_rng(int(key))`. It is then the same in any
    batch and in any worker.
    """

    @abstractmethod
    def samples(self, samples: Sequence[Any], keys: Keys) -> list[Any]:
        """Returns changed copies of samples of the training set, in their order."""


class BatchAugmenter(Augmenter):
    """An augmenter that can also change batches, after they have reached the device.

    Set `on_device` for that; worker processes then leave the samples as they are.
    """

    on_device: bool

    @abstractmethod
    def batch(
        self, batch: MutableMapping[str, Any], rows: Int[np.ndarray, " m"], keys: Keys
    ) -> None:
        """Changes rows of a collated batch in place. Must come to the same as `samples`."""


@dataclass(frozen=True)
class Marked:
    """What to augment in a batch: on the host, so that the device need not be waited for."""

    rows: Int[np.ndarray, " m"]
    keys: Keys


class Augmentation:
    """The augmentation of one run: of each epoch's marked samples, and of nothing else.

    Which samples are marked is in shared memory, so that worker processes that are running see it.

    Args:
        augmenter: what it does to samples. None where no selection marks any.
        selector: whose selections mark samples.
        size: rows of the training set.
        seed: of the run.

    Raises:
        ValueError: if the selector marks samples and there is no augmenter, or the other way.
        TypeError: if the augmenter is of another class.
    """

    def __init__(
        self, augmenter: Augmenter | None, selector: Selector, size: int, seed: int
    ) -> None:
        require_augmenter(augmenter, selector)
        self.augmenter, self.seed, self._name = augmenter, seed, type(selector).__name__
        self.on_device = isinstance(augmenter, BatchAugmenter) and augmenter.on_device
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._marked = torch.zeros(size, dtype=torch.bool)
        for shared in (self._epoch, self._marked):
            shared.share_memory_()  # type: ignore[no-untyped-call]

    def start(self, epoch: int, selection: Selection) -> None:
        """Sets what the batches to come are augmented by.

        Raises:
            ValueError: if samples are marked and there is no augmenter.
        """
        self._epoch.fill_(epoch)
        self._marked.fill_(False)
        if selection.augment is not None and selection.augment.any():
            if self.augmenter is None:
                raise ValueError(_missing(self._name))
            self._marked[torch.from_numpy(selection.indices[selection.augment])] = True

    def of_samples(self, rows: Sequence[int], samples: list[Any]) -> list[Any]:
        """Returns samples of the training set, the marked ones augmented, the others themselves.

        Raises:
            ValueError: if the augmenter returns another number of samples.
        """
        if self.augmenter is None or self.on_device or len((marked := self._of(rows)).rows) == 0:
            return samples
        changed = self.augmenter.samples([samples[row] for row in marked.rows], marked.keys)
        if len(changed) != len(marked.rows):
            raise ValueError(
                f"{type(self.augmenter).__name__}.samples returned {len(changed)} samples for "
                f"{len(marked.rows)}; return each of them once, in order"
            )
        every = list(samples)
        for row, sample in zip(marked.rows, changed, strict=True):
            every[row] = sample
        return every

    def note(self, batch: MutableMapping[str, Any], rows: Sequence[int]) -> None:
        """Puts into a collated batch what `of_batch` is to do."""
        if self.on_device and len((marked := self._of(rows)).rows) > 0:
            batch[AUGMENT] = marked

    def of_batch(self, batch: MutableMapping[str, Any]) -> None:
        """Augments what is marked in a batch of the training set that has reached the device."""
        marked = batch.pop(AUGMENT, None)
        if marked is not None:
            assert isinstance(self.augmenter, BatchAugmenter), "noted for another augmenter"
            self.augmenter.batch(batch, marked.rows, marked.keys)

    def _of(self, rows: Sequence[int]) -> Marked:
        ids = np.asarray(rows, np.int64)
        places = np.flatnonzero(self._marked.numpy()[ids])
        return Marked(places, sample_keys(self.seed, int(self._epoch), AUGMENTED, ids[places]))


def require_augmenter(augmenter: Any, selector: Selector) -> None:
    """Raises unless there is an augmenter just where a selector marks samples.

    Raises:
        ValueError: if there is none and it marks some, or the other way.
        TypeError: if it is of another class.
    """
    if augmenter is not None and not isinstance(augmenter, Augmenter):
        raise TypeError(
            f"augment must be an Augmenter, got {type(augmenter).__name__}; pass "
            "hf_dynsel.TrivialAugmentWide(mean, std), or subclass hf_dynsel.Augmenter"
        )
    name = type(selector).__name__
    if augmenter is None and selector.augments():
        raise ValueError(_missing(name))
    if augmenter is not None and not selector.augments():
        raise ValueError(
            f"{name} marks no samples for augmentation, so augment= would do nothing; leave it "
            "out, and put what all samples get into the transform of the dataset"
        )


def _missing(selector: str) -> str:
    return (
        f"{selector} marks samples for augmentation, and there is no augmenter; pass augment=, "
        "such as hf_dynsel.TrivialAugmentWide(mean, std) with the numbers that the dataset's "
        "transform normalises images by"
    )
