"""Puts columns that lie in files of their own beside those of a dataset."""

from datasets import Dataset, concatenate_datasets


def beside(dataset: Dataset, columns: Dataset) -> Dataset:
    """Returns the dataset with more columns, row by row, in its own format."""
    shown = dataset.format
    # Joining would flatten both sides of a selected dataset, and so copy the columns.
    whole = dataset if dataset._indices is None else dataset.flatten_indices()
    joined = concatenate_datasets([whole, columns], axis=1, split=dataset.split)
    every = set(shown["columns"]) == set(dataset.column_names)
    return joined.with_format(
        shown["type"],
        columns=None if every else shown["columns"],
        output_all_columns=shown["output_all_columns"],
        **shown["format_kwargs"],
    )
