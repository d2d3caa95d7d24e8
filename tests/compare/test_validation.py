"""What is tuned is measured on held-out rows; the test split takes no part."""

import json

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from hf_dynsel.compare.cells import source_of
from hf_dynsel.compare.validation import validate, without_test


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


def test_a_run_is_measured_once(quickstart, monkeypatch) -> None:
    """79 of 100 digits are left to train on: 23 of them in one epoch."""
    source = source_of(quickstart("trainer.num_train_epochs=1"))
    cell = source.cell("equal_epochs", 0.3, "A", {"name": "DynamicRandom", "keep": 0.3}, 0, {})
    found = validate(cell)
    assert 0 <= found.value <= 1
    assert found.samples_trained == 24
    assert found.seconds > 0
    written = json.loads((cell.recipe.folder / "validation.json").read_text())
    assert written["value"] == found.value
    monkeypatch.setattr("hf_dynsel.compare.validation.build_trainer", None)
    assert validate(cell) == found
