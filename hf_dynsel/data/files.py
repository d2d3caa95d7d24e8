"""Local files: a folder of images by class, or CSV, JSON Lines and Parquet."""

from collections.abc import Mapping
from pathlib import Path

from datasets import Dataset, DatasetDict, load_dataset

from hf_dynsel.data.columns import standardize
from hf_dynsel.data.source import Source, note_source, task_of

BUILDERS = {".csv": "csv", ".jsonl": "json", ".parquet": "parquet"}


def files(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    splits: Mapping[str, str] | None = None,
    test_size: float = 0.2,
    validation_size: float | None = None,
    seed: int = 0,
) -> DatasetDict:
    """Returns `train`, `test` and maybe `validation` of local files.

    Args:
        path: one `.csv`, `.jsonl` or `.parquet` file, or a folder as `datasets.load_dataset`
            takes it: `train.csv` and `test.csv`, or `train/<class>/<image>`.
        columns: new names by old names, such as `{"review": "text", "stars": "label"}`.
        splits: new names by old names, such as `{"train": "train", "validation": "test"}`; the
            others are left out. None takes those called train, validation and test.
        test_size: fraction of `train` held out for `test` where there is none.
        validation_size: the same for `validation`; None means no validation split.
        seed: which rows are held out.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it is of another type, if a split or column is missing, or if the labels
            are no classes.
    """
    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(f"there is no file or folder {place}")
    if place.is_dir():
        loaded: Dataset | DatasetDict = load_dataset(str(place.resolve()))
    elif place.suffix in BUILDERS:
        loaded = load_dataset(BUILDERS[place.suffix], data_files=str(place.resolve()))
    else:
        raise ValueError(
            f"{place} ends in '{place.suffix}'; give a folder or a file that ends in "
            f"{', '.join(BUILDERS)}"
        )
    found = standardize(loaded, columns, splits, test_size, validation_size, seed)
    return note_source(found, Source(place.stem, task_of(found["train"])))
