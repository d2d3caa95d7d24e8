"""Puts feature columns beside the columns of a dataset."""

from typing import Any

from datasets import Dataset, concatenate_datasets

from hf_dynsel import provenance
from hf_dynsel.feature_rows import COLUMN


def attach(dataset: Dataset, features: Dataset, note: dict[str, Any]) -> Dataset:
    """Returns the dataset with the features beside it, in its own format, and the note."""
    shown = dataset.format
    # Joining would flatten both sides of a selected dataset, and so copy the features.
    whole = dataset if dataset._indices is None else dataset.flatten_indices()
    joined = concatenate_datasets([whole, features], axis=1, split=dataset.split)
    every = set(shown["columns"]) == set(dataset.column_names)
    joined = joined.with_format(
        shown["type"],
        columns=None if every else shown["columns"],
        output_all_columns=shown["output_all_columns"],
        **shown["format_kwargs"],
    )
    return provenance.record(joined, COLUMN, note)
