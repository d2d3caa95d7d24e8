"""Brings any classification dataset to our columns `image` or `text`, and `label`."""

from collections.abc import Mapping
from typing import Any

from datasets import ClassLabel, Dataset, DatasetDict, Value

from hf_dynsel.data.split import split_dataset

SPLITS = ("train", "validation", "test")
INPUTS = ("image", "text")


def standardize(
    loaded: Any,
    columns: Mapping[str, str] | None = None,
    splits: Mapping[str, str] | None = None,
    test_size: float = 0.2,
    validation_size: float | None = None,
    seed: int = 0,
) -> DatasetDict:
    """Returns `train`, `test` and maybe `validation`, with `image` or `text`, and `label`.

    Labels that are strings or plain integers become `ClassLabel`, with the same classes in every
    split. Columns that are not renamed stay as they are.

    Args:
        loaded: what `datasets.load_dataset` returned.
        columns: new names by old names, such as `{"img": "image"}`.
        splits: new names by old names, such as `{"train": "train", "validation": "test"}`; the
            others are left out. None takes those called train, validation and test.
        test_size: fraction of `train` held out for `test` where there is none.
        validation_size: fraction of `train` held out for `validation` where there is none; of
            what is left when `test` is out. None means no validation split.
        seed: which rows are held out.

    Raises:
        TypeError: if the dataset is a stream.
        ValueError: if a split or column is missing, or if the labels are no classes.
    """
    chosen = _choose_splits(loaded, splits)
    parts = DatasetDict({split: _rename(part, columns or {}) for split, part in chosen.items()})
    for split, part in parts.items():
        _check_columns(split, part)
    return _carve(_encode_labels(parts), test_size, validation_size, seed)


def _choose_splits(loaded: Any, splits: Mapping[str, str] | None) -> dict[str, Dataset]:
    parts = {"train": loaded} if isinstance(loaded, Dataset) else loaded
    if not isinstance(parts, DatasetDict | dict) or not all(
        isinstance(part, Dataset) for part in parts.values()
    ):
        raise TypeError(
            f"got a {type(loaded).__name__}: streams have no length and no row numbers, so no "
            "rows can be selected from them; load the dataset with streaming=False"
        )
    wanted = dict(splits) if splits is not None else {s: s for s in SPLITS if s in parts}
    for old, new in wanted.items():
        if old not in parts or new not in SPLITS:
            raise ValueError(
                f"splits: cannot take '{old}' as '{new}'; the dataset has {sorted(parts)}, and "
                f"the new names are {list(SPLITS)}"
            )
    if "train" not in wanted.values():
        raise ValueError(
            f"there is no split 'train' (there are: {sorted(parts)}); name the one to train on "
            "with splits={'its name': 'train'}"
        )
    return {new: parts[old] for old, new in wanted.items()}


def _rename(part: Dataset, columns: Mapping[str, str]) -> Dataset:
    missing = [old for old in columns if old not in part.column_names]
    if missing:
        raise ValueError(
            f"columns: there is no column '{missing[0]}' (there are: {part.column_names})"
        )
    # A new name may be taken, such as a second kind of label called 'label'.
    taken = [new for old, new in columns.items() if new in part.column_names and new != old]
    return part.remove_columns(taken).rename_columns(dict(columns))


def _check_columns(split: str, part: Dataset) -> None:
    has = f"split '{split}' has the columns {part.column_names}"
    if not any(name in part.column_names for name in INPUTS):
        raise ValueError(f"{has}; rename one to 'image' or 'text' with columns={{'old': 'image'}}")
    if "label" not in part.column_names:
        raise ValueError(f"{has}; rename one to 'label' with columns={{'old': 'label'}}")
    if len(part) == 0:
        raise ValueError(f"split '{split}' has no rows")


def _encode_labels(parts: DatasetDict) -> DatasetDict:
    kind = parts["train"].features["label"]
    for split, part in parts.items():
        if part.features["label"] != kind:
            raise ValueError(
                f"'label' is {part.features['label']} in '{split}', but {kind} in 'train'"
            )
    values = {split: set(part.with_format(None).unique("label")) for split, part in parts.items()}
    for split, own in values.items():
        if None in own or (isinstance(kind, ClassLabel) and -1 in own):
            raise ValueError(
                f"split '{split}' has rows without a label; if all are, leave it out by naming "
                "the others with splits="
            )
    return parts if isinstance(kind, ClassLabel) else _to_classes(parts, values)


def _to_classes(parts: DatasetDict, values: dict[str, set[Any]]) -> DatasetDict:
    known = values["train"]
    if not all(isinstance(value, str | int) for value in known):
        raise ValueError(
            f"'label' is {parts['train'].features['label']}; classes are strings or integers"
        )
    for split, own in values.items():
        if own - known:
            raise ValueError(
                f"split '{split}' has the label {min(own - known)!r}, which 'train' lacks: "
                "nothing could learn it"
            )
    # By way of strings: integers need not start at zero, nor be without gaps.
    as_text = parts.cast_column("label", Value("string"))
    return as_text.cast_column("label", ClassLabel(names=[str(v) for v in sorted(known)]))


def _carve(
    parts: DatasetDict, test_size: float, validation_size: float | None, seed: int
) -> DatasetDict:
    sizes = {"test": test_size, "validation": validation_size}
    for name, fraction in sizes.items():
        if name not in parts and fraction is not None:
            train, held_out = split_dataset(parts["train"], fraction, seed).values()
            parts = DatasetDict({**parts, "train": train, name: held_out})
    return DatasetDict({split: parts[split] for split in SPLITS if split in parts})
