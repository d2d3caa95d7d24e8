"""Any dataset of the Hugging Face Hub, with columns and splits renamed to ours."""

from collections.abc import Mapping

from datasets import Dataset, DatasetDict, load_dataset

from hf_dynsel.data.columns import standardize
from hf_dynsel.data.source import Source, note_source, task_of


def hub(
    path: str,
    name: str | None = None,
    revision: str | None = None,
    columns: Mapping[str, str] | None = None,
    splits: Mapping[str, str] | None = None,
    test_size: float = 0.2,
    validation_size: float | None = None,
    seed: int = 0,
) -> DatasetDict:
    """Returns `train`, `test` and maybe `validation` of a Hub dataset; runs no remote code.

    Args:
        path: the dataset's id, such as `uoft-cs/cifar100`.
        name: the configuration, for datasets that have several.
        revision: branch, tag or commit; a commit makes the run reproducible.
        columns: new names by old names, such as `{"img": "image", "fine_label": "label"}`.
        splits: new names by old names, such as `{"train": "train", "validation": "test"}`; the
            others are left out. None takes those called train, validation and test.
        test_size: fraction of `train` held out for `test` where there is none.
        validation_size: the same for `validation`; None means no validation split.
        seed: which rows are held out.

    Raises:
        ValueError: if a split or column is missing, or if the labels are no classes.
    """
    loaded: Dataset | DatasetDict = load_dataset(path, name, revision=revision)
    found = standardize(loaded, columns, splits, test_size, validation_size, seed)
    return note_source(found, Source(path, task_of(found["train"]), hub_id=path))
