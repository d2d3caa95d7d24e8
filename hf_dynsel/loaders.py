"""Lets the loader that a trainer builds fetch rows together with their ids."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from datasets import Dataset

from hf_dynsel.data import DecodedImages
from hf_dynsel.other_trainers import of_sentence_transformers
from hf_dynsel.provenance import without_derived
from hf_dynsel.training_view import TrainingView


@contextmanager
def carrying_ids(trainer: Any, view: TrainingView) -> Iterator[None]:
    """Wraps a trainer's training set and collator while it builds its training loader."""
    dataset, collator = trainer.train_dataset, trainer.data_collator
    rows, collate = for_model(trainer, dataset)
    trainer.train_dataset = view.dataset(rows)
    trainer.data_collator = view.collator(collate)
    try:
        yield
    finally:
        trainer.train_dataset, trainer.data_collator = dataset, collator


def for_model(trainer: Any, dataset: Any) -> tuple[Any, Any]:
    """Returns a dataset and the collator of a trainer, without the columns its model does not take.

    Derived columns, such as scores, are never for the model.
    """
    if isinstance(dataset, DecodedImages):  # it has no other columns
        return dataset, trainer.data_collator
    if not isinstance(dataset, Dataset):
        return dataset, trainer._get_collator_with_removed_columns(
            trainer.data_collator, "training"
        )
    rows = without_derived(dataset)
    if not of_sentence_transformers(type(trainer)):
        rows = trainer._remove_unused_columns(rows, "training")
    return rows, trainer.data_collator
