"""Narrows a dataset to the one column that a backbone reads."""

from datasets import Dataset


def only_column(dataset: Dataset, column: str) -> Dataset:
    """Returns the dataset with one column, as stored: without formats and transforms.

    Raises:
        ValueError: if there is no such column.
    """
    if column not in dataset.column_names:
        raise ValueError(
            f"the dataset has no column '{column}' (it has: {', '.join(dataset.column_names)}); "
            "set the backbone's 'column' to one of these"
        )
    return dataset.select_columns([column]).with_format(None)
