"""Puts a validation split in the place of the test split, so that choices never see the test."""

from collections.abc import Mapping

from datasets import Dataset, DatasetDict

from hf_dynsel.data.split import split_dataset
from hf_dynsel.provenance import fingerprint

HELD_OUT = 0.2  # of the training set, where the data has no validation split


def without_test(splits: Mapping[str, Dataset], seed: int) -> DatasetDict:
    """Returns splits whose test split is the validation split.

    Where there is none, a fifth of the training set is held out, each class in proportion.

    Args:
        splits: of the data.
        seed: which rows are held out.

    Raises:
        ValueError: if the validation split is the test split.
    """
    if "validation" not in splits:
        train, held_out = split_dataset(splits["train"], HELD_OUT, seed).values()
        return DatasetDict(train=train, validation=held_out, test=held_out)
    if fingerprint(splits["validation"]) == fingerprint(splits["test"]):
        raise ValueError(
            "the validation split is the test split: what is chosen on it cannot be tested on it. "
            "Leave the validation split out, and a fifth of the training set takes its place"
        )
    return DatasetDict(
        train=splits["train"], validation=splits["validation"], test=splits["validation"]
    )
