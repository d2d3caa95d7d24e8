"""Random numbers of transforms and collators as a function of the seed, the epoch and the rows."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch.utils.data import default_collate
from transformers import DataCollatorWithPadding, default_data_collator

PLAIN_FORMATS = (None, "numpy", "torch")  # of `datasets`, which decode what is stored


class Draws:
    """Gives every batch its own random numbers, whatever else has drawn any.

    A loader fetches batches ahead of training: how many depends on accumulation, on workers and
    on whether the run was resumed. Drawn from the process's own generators, the random crops
    and masks of a resumed run would be others than those of the uninterrupted one.

    Args:
        seed: of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # workers see it change

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the batches to come."""
        self._epoch.fill_(epoch)

    @contextmanager
    def of(self, rows: Sequence[int], stream: int) -> Iterator[None]:
        """Seeds Python's, NumPy's and torch's generators for a block, and restores them after.

        Args:
            rows: of the batch.
            stream: keeps apart the uses of one batch.
        """
        words = np.array([self.seed, int(self._epoch), stream, *rows], np.int64)
        digest = hashlib.sha256(words.tobytes()).digest()
        one, two, three = (int(word) for word in np.frombuffer(digest, np.uint32)[:3])
        python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
        try:
            random.seed(one)
            np.random.seed(two)  # noqa: NPY002
            torch.default_generator.manual_seed(three)  # not CUDA's: it draws in training only
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
            torch.set_rng_state(cpu)


def stored(dataset: Any) -> bool:
    """Returns whether rows are read as they are stored, by a table that draws no random numbers."""
    return isinstance(dataset, Dataset) and dataset.format["type"] in PLAIN_FORMATS


def collates_only(collate: Any) -> bool:
    """Returns whether a collator is known to draw no random numbers; of most, nothing is known."""
    # Not `isinstance`: a subclass may mask tokens at random.
    return collate in (default_data_collator, default_collate) or (
        type(collate) is DataCollatorWithPadding
    )
