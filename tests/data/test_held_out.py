"""What is chosen is measured on held-out rows; the test split takes no part."""

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from hf_dynsel.data.held_out import without_test
from hf_dynsel.recipe import check
from hf_dynsel.stages import load_data


def split(rows) -> Dataset:  # noqa: ANN001
    kinds = Features({"row": Value("int64"), "label": ClassLabel(names=["a", "b"])})
    return Dataset.from_dict({"row": list(rows), "label": [row % 2 for row in rows]}, kinds)


def test_a_fifth_of_the_training_set_takes_the_place_of_the_test_split() -> None:
    found = without_test(DatasetDict(train=split(range(40)), test=split(range(100, 110))), 0)
    rows = {name: set(part["row"]) for name, part in found.items()}
    assert len(rows["validation"]) == 8
    assert rows["test"] == rows["validation"]
    assert rows["train"] | rows["validation"] == set(range(40))
    assert not rows["train"] & rows["validation"]
    assert np.bincount(found["validation"]["label"]).tolist() == [4, 4]


def test_the_rows_held_out_depend_on_the_seed_alone() -> None:
    splits = DatasetDict(train=split(range(40)), test=split(range(9)))
    held = [without_test(splits, seed)["validation"]["row"][:] for seed in (0, 0, 1)]
    assert held[0] == held[1] != held[2]


def test_a_validation_split_takes_the_place_of_the_test_split() -> None:
    splits = {"train": split(range(40)), "validation": split(range(40, 50))}
    found = without_test(DatasetDict(**splits, test=split(range(9))), 0)
    assert found["train"]["row"][:] == list(range(40))
    assert found["test"]["row"][:] == list(range(40, 50))


def test_the_test_split_under_another_name_is_refused() -> None:
    splits = DatasetDict(train=split(range(9)), validation=split(range(5)), test=split(range(5)))
    with pytest.raises(ValueError, match="the validation split is the test split: what is chosen"):
        without_test(splits, 0)


def test_a_recipe_evaluates_on_rows_of_the_training_set_that_it_does_not_train_on() -> None:
    content = {
        "name": "validated",
        "dataset": {"loader": "digits", "evaluate_on": "validation", "train_size": 100},
        "model": {"architecture": "small_cnn", "in_chans": 1},
        "selector": {"name": "FullData"},
        "trainer": {},
    }
    splits = load_data(check(content, "here"))
    test = load_data(check({**content, "dataset": {"loader": "digits"}}, "here"))["test"]

    def images(split):  # noqa: ANN001, ANN202
        return {np.asarray(image).tobytes() for image in split["image"]}

    assert len(splits["train"]) == 100
    assert not images(splits["test"]) & (images(splits["train"]) | images(test))
