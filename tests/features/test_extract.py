import numpy as np
import pytest
import torch
from datasets import Dataset, List, Value

from hf_dynsel import __version__, provenance
from hf_dynsel.features import extract


@pytest.mark.parametrize("num_workers", [0, 2])
def test_features_follow_the_order_of_the_rows(toy, numbers, tmp_path, num_workers):
    got = extract(
        numbers, toy(), cache_dir=tmp_path, batch_size=2, shard_size=5, num_workers=num_workers
    )
    assert got["features"][:] == [[x, x + 1] for x in range(10)]
    assert got["x"][:] == list(range(10))


def test_features_of_a_shuffled_dataset_follow_its_rows(toy, numbers, tmp_path):
    got = extract(numbers.select([7, 2, 9]), toy(), cache_dir=tmp_path)
    assert got["x"][:] == [7, 2, 9]
    assert got["features"][:] == [[7, 8], [2, 3], [9, 10]]


def test_the_column_has_a_fixed_length_and_float32(toy, numbers, tmp_path):
    got = extract(numbers, toy(), cache_dir=tmp_path)
    assert got.features["features"] == List(Value("float32"), length=2)
    assert got.with_format("numpy")[:3]["features"].dtype == np.float32


@pytest.mark.parametrize("rows", [range(10), [3, 1, 4, 1, 5]], ids=["plain", "selected"])
def test_the_column_is_read_from_the_shards_by_memory_map(toy, numbers, tmp_path, rows):
    got = extract(numbers.select(rows), toy(), cache_dir=tmp_path, shard_size=4)
    mapped = {entry["filename"] for entry in got.cache_files}
    assert mapped == {str(shard) for shard in tmp_path.glob("*/*.arrow")}


def test_split_format_and_other_columns_stay(toy, numbers, tmp_path):
    got = extract(numbers.with_format("numpy"), toy(), cache_dir=tmp_path)
    assert got.split == "train"
    assert got.column_names == ["x", "label", "features"]
    assert got.format["type"] == "numpy"
    assert got[4]["features"].tolist() == [4, 5]


def test_a_choice_of_shown_columns_stays(toy, numbers, tmp_path):
    got = extract(numbers.with_format("torch", columns=["label"]), toy(), cache_dir=tmp_path)
    assert got[1] == {"label": 1}


def test_a_transform_stays_and_does_not_reach_the_backbone(toy, numbers, tmp_path):
    double = numbers.with_transform(lambda batch: {"y": [2 * x for x in batch["x"]]})
    got = extract(double, toy(), cache_dir=tmp_path)
    assert got[3] == {"y": 6}
    assert got.with_format(None)[3]["features"] == [3, 4]


def test_the_note_says_what_made_the_features(toy, numbers, tmp_path):
    got = extract(numbers, toy(weight=2.0), cache_dir=tmp_path)
    assert provenance.recorded(got)["features"] == {
        "backbone": "Toy",
        "weight": 2.0,
        "dataset": provenance.fingerprint(numbers.select_columns("x")),
        "rows": 10,
        "version": __version__,
    }


def test_features_do_not_change_what_the_dataset_is(toy, numbers, tmp_path):
    got = extract(numbers, toy(), cache_dir=tmp_path)
    assert provenance.fingerprint(got) == provenance.fingerprint(numbers)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_the_global_random_stream_stays_untouched(toy, numbers, tmp_path, num_workers):
    state = torch.get_rng_state()
    extract(numbers, toy(), cache_dir=tmp_path, num_workers=num_workers)
    assert torch.equal(torch.get_rng_state(), state)


def test_memory_holds_one_batch_of_features(toy, tmp_path):
    backbone = toy()
    extract(
        Dataset.from_dict({"x": list(range(64))}),
        backbone,
        cache_dir=tmp_path,
        batch_size=2,
        shard_size=16,
    )
    assert backbone.calls == 32
    assert backbone.most_alive == 1


def test_an_iterable_dataset_is_refused(toy, numbers, tmp_path):
    with pytest.raises(TypeError, match=r"datasets\.Dataset .* got IterableDataset"):
        extract(numbers.to_iterable_dataset(), toy(), cache_dir=tmp_path)


def test_an_empty_dataset_is_refused(toy, numbers, tmp_path):
    with pytest.raises(ValueError, match="no rows"):
        extract(numbers.select([]), toy(), cache_dir=tmp_path)


def test_a_missing_column_is_named_with_those_there(toy, numbers, tmp_path):
    with pytest.raises(ValueError, match=r"no column 'x' \(it has: label\)"):
        extract(numbers.remove_columns("x"), toy(), cache_dir=tmp_path)


def test_old_features_are_not_overwritten(toy, numbers, tmp_path):
    got = extract(numbers, toy(), cache_dir=tmp_path)
    with pytest.raises(ValueError, match=r"remove_columns\('features'\)"):
        extract(got, toy(), cache_dir=tmp_path)


@pytest.mark.parametrize("size", [{"batch_size": 0}, {"shard_size": 0}])
def test_a_size_below_one_is_refused(toy, numbers, tmp_path, size):
    with pytest.raises(ValueError, match="at least 1 row"):
        extract(numbers, toy(), cache_dir=tmp_path, **size)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_broken_feature_names_its_row(toy, tmp_path, bad):
    rows = Dataset.from_dict({"x": [0.0, 1.0, 2.0, 3.0, 4.0, bad]})
    with pytest.raises(ValueError, match="row 5 from Toy are NaN or infinite"):
        extract(rows, toy(), cache_dir=tmp_path, batch_size=2, shard_size=4)


def test_features_of_another_length_than_announced_are_refused(toy, numbers, tmp_path):
    with pytest.raises(ValueError, match=r"shape \(10, 2\) for 10 rows; it must return \(10, 4\)"):
        extract(numbers, toy(dim=4), cache_dir=tmp_path)
