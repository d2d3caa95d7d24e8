from collections.abc import Sequence
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from hf_dynsel.data.columns import standardize


def texts(labels: Sequence[Any]) -> Dataset:
    return Dataset.from_dict({"text": [f"t{i}" for i in range(len(labels))], "label": labels})


def test_columns_and_splits_get_our_names() -> None:
    loaded = DatasetDict(
        training=texts([0, 1]).rename_columns({"text": "sentence", "label": "stars"}),
        dev=texts([1, 0]).rename_columns({"text": "sentence", "label": "stars"}),
    )
    parts = standardize(
        loaded,
        columns={"sentence": "text", "stars": "label"},
        splits={"training": "train", "dev": "test"},
    )
    assert {split: part.column_names for split, part in parts.items()} == {
        "train": ["text", "label"],
        "test": ["text", "label"],
    }


def test_a_new_name_replaces_a_column_of_that_name() -> None:
    loaded = DatasetDict(train=texts([0, 1]).add_column("fine", [5, 7]), test=texts([0]))
    loaded["test"] = loaded["test"].add_column("fine", [5])
    parts = standardize(loaded, columns={"fine": "label"})
    assert parts["train"].features["label"].names == ["5", "7"]


def test_other_splits_are_left_out() -> None:
    loaded = DatasetDict(train=texts([0, 1]), test=texts([1]), unsupervised=texts([-1]))
    assert list(standardize(loaded)) == ["train", "test"]


def test_string_labels_are_numbered_alike_in_every_split() -> None:
    loaded = DatasetDict(train=texts(["cat", "ant", "bee"]), test=texts(["bee"]))
    parts = standardize(loaded)
    assert parts["train"].features["label"].names == ["ant", "bee", "cat"]
    assert (parts["train"]["label"][:], parts["test"]["label"][:]) == ([2, 0, 1], [1])


def test_integer_labels_keep_their_order_as_numbers() -> None:
    parts = standardize(DatasetDict(train=texts([10, 9, 2]), test=texts([9])))
    assert parts["train"].features["label"].names == ["2", "9", "10"]
    assert parts["train"]["label"][:] == [2, 1, 0]


def test_declared_classes_stay_as_they_are() -> None:
    features = Features(text=Value("string"), label=ClassLabel(names=["no", "yes"]))
    part = texts([1, 0]).cast(features)
    assert standardize(DatasetDict(train=part, test=part))["train"].features == features


def test_more_columns_stay() -> None:
    part = texts([0, 1]).add_column("score_el2n", [0.5, 0.25])
    assert "score_el2n" in standardize(DatasetDict(train=part, test=part))["train"].column_names


def test_missing_splits_are_held_out_of_train() -> None:
    parts = standardize(texts([0, 1] * 50), test_size=0.2, validation_size=0.25)
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 60,
        "validation": 20,
        "test": 20,
    }
    held = [text for part in parts.values() for text in part["text"]]
    assert len(set(held)) == 100


def test_splits_that_are_there_are_not_touched() -> None:
    loaded = DatasetDict(train=texts([0, 1]), validation=texts([0]), test=texts([1]))
    parts = standardize(loaded, test_size=0.2, validation_size=0.25)
    assert [len(part) for part in parts.values()] == [2, 1, 1]


@pytest.mark.parametrize("whole", [True, False])
def test_a_stream_is_refused(whole: bool) -> None:
    stream = texts([0, 1]).to_iterable_dataset()
    with pytest.raises(TypeError, match="streams have no length .* streaming=False"):
        standardize(stream if whole else {"train": stream})


@pytest.mark.parametrize(
    ("loaded", "arguments", "message"),
    [
        ({"dev": texts([0])}, {}, r"no split 'train' \(there are: \['dev'\]\)"),
        ({"train": texts([0])}, {"splits": {"val": "test"}}, "cannot take 'val' as 'test'"),
        ({"train": texts([0])}, {"splits": {"train": "fit"}}, "cannot take 'train' as 'fit'"),
        ({"train": texts([0])}, {"columns": {"img": "image"}}, "columns: there is no column 'img'"),
        (
            {"train": texts([0]).rename_column("text", "x")},
            {},
            r"'train' has the columns \['x', 'label'\]; rename one to 'image' or 'text'",
        ),
        ({"train": texts([0]).remove_columns("label")}, {}, "rename one to 'label'"),
        ({"train": texts([0]), "test": texts([])}, {}, "split 'test' has no rows"),
        ({"train": texts([0.5, 1.5])}, {}, "classes are strings or integers"),
        ({"train": texts([0, None])}, {}, "'train' has rows without a label"),
        ({"train": texts([0, 1]), "test": texts(["0"])}, {}, r"'label' is .* in 'test', but"),
        ({"train": texts([0, 1]), "test": texts([2])}, {}, "'test' has the label 2, which 'train'"),
        ({"train": texts([0, 0, 1])}, {}, "class 1 has 1 row; .* two of each class"),
        ({"train": texts([0, 1] * 5)}, {"test_size": 2.0}, r"test_size must be in \(0, 1\)"),
    ],
)
def test_what_does_not_fit_is_named(
    loaded: dict[str, Dataset], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        standardize(DatasetDict(loaded), **arguments)


def test_a_test_split_without_labels_is_refused() -> None:
    features = Features(text=Value("string"), label=ClassLabel(names=["no", "yes"]))
    loaded = DatasetDict(train=texts([0, 1]).cast(features), test=texts([-1]).cast(features))
    with pytest.raises(ValueError, match="'test' has rows without a label; .* splits="):
        standardize(loaded)
