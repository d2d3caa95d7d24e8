"""A table of scores in several files, as several processes write it."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import Dataset

from hf_dynsel.scores import Diversity, add_scores, load_scores, save_scores
from hf_dynsel.scores.notes import part_names


@pytest.fixture
def folder(tmp_path):
    """Five rows in parts of two, none and three."""
    codes = {"sae_indices": [[0], [1], [1], [2], [2]], "sae_values": [[1.0]] * 5}
    rows = Dataset.from_dict({"x": [*range(5)], "label": [0, 1, 0, 1, 1], **codes})
    save_scores(add_scores(rows, [Diversity()]), tmp_path, hashed=False)
    whole = pq.read_table(tmp_path / "scores.parquet")
    (tmp_path / "scores.parquet").replace(tmp_path / "whole.parquet")
    for name, (start, size) in zip(part_names(3), [(0, 2), (2, 0), (2, 3)], strict=True):
        pq.write_table(whole.slice(start, size), tmp_path / name, write_page_checksum=True)
    note(tmp_path, parts=[2, 0, 3])
    return tmp_path


def note(folder, **changed):
    path = folder / "scores.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def test_parts_are_read_as_the_table_that_they_make_up(folder):
    assert load_scores(folder).rows.equals(pq.read_table(folder / "whole.parquet"))


def test_a_table_in_one_file_takes_the_place_of_its_parts(folder):
    table = load_scores(folder).rows
    again = Dataset.from_dict({"x": [0], "sae_indices": [[0]], "sae_values": [[1.0]]})
    save_scores(add_scores(again, [Diversity()], label=None), folder)
    assert [path.name for path in sorted(folder.glob("scores*.parquet"))] == ["scores.parquet"]
    assert len(load_scores(folder)) == 1 and len(table) == 5


def test_a_part_that_is_missing_is_named(folder):
    (folder / "scores-00002-of-00003.parquet").unlink()
    with pytest.raises(ValueError, match="no file .*scores-00002-of-00003.parquet"):
        load_scores(folder)


def test_parts_in_another_order_are_refused(folder):
    note(folder, parts=[3, 0, 2])
    first, _, last = (folder / name for name in part_names(3))
    first.replace(folder / "kept")
    last.replace(first)
    (folder / "kept").replace(last)
    with pytest.raises(ValueError, match="must count from 0 to 2"):
        load_scores(folder)


@pytest.mark.parametrize(
    "parts", [[2, 2], [2, -1, 4], [2.0, 3], ["5"], [True, 4], [0] * 2000 + [5]]
)
def test_parts_that_do_not_add_up_are_refused(folder, parts):
    note(folder, parts=parts)
    with pytest.raises(ValueError, match="'parts' must list the rows of each file, 5 in all"):
        load_scores(folder)


def test_a_part_with_other_rows_than_noted_is_refused(folder):
    note(folder, parts=[1, 0, 4])
    with pytest.raises(ValueError, match="has 2 rows, but scores.json says 1"):
        load_scores(folder)


def test_numbers_of_classes_and_scores_are_those_of_the_rows(folder):
    rows = load_scores(folder).rows
    assert rows["label"].to_pylist() == [0, 1, 0, 1, 1]
    np.testing.assert_array_equal(rows["index"].to_numpy(), np.arange(5))
