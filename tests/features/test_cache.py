import logging

import pytest
from datasets import Dataset

from hf_dynsel.features import cached, extract


def test_a_second_call_encodes_nothing_and_says_so(toy, numbers, tmp_path, caplog):
    first = extract(numbers, toy(), cache_dir=tmp_path)
    again = toy()
    with caplog.at_level(logging.INFO, logger="hf_dynsel.features"):
        second = extract(numbers, again, cache_dir=tmp_path)
    assert (again.calls, again.prepared) == (0, 0)
    assert "the features of 10 rows are read from" in caplog.text
    assert second[:] == first[:]


def test_the_cache_is_found_by_content_not_by_file(toy, numbers, tmp_path):
    extract(numbers, toy(), cache_dir=tmp_path / "cache")
    numbers.save_to_disk(tmp_path / "elsewhere")
    moved = Dataset.load_from_disk(str(tmp_path / "elsewhere"))
    assert cached(moved, toy(), tmp_path / "cache")


def test_other_labels_and_columns_encode_nothing(toy, numbers, tmp_path):
    extract(numbers, toy(), cache_dir=tmp_path)
    noisy = numbers.rename_column("label", "clean_label").add_column("label", [1] * 10)
    again = toy()
    got = extract(noisy, again, cache_dir=tmp_path)
    assert again.calls == 0
    assert got["label"][:] == [1] * 10
    assert got["features"][:] == [[x, x + 1] for x in range(10)]


def test_other_weights_miss(toy, numbers, tmp_path):
    extract(numbers, toy(weight=1.0), cache_dir=tmp_path)
    got = extract(numbers, toy(weight=3.0), cache_dir=tmp_path)
    assert got[2]["features"] == [6, 3]


def test_other_data_misses(toy, numbers, tmp_path):
    extract(numbers, toy(), cache_dir=tmp_path)
    got = extract(numbers.select(range(9, -1, -1)), toy(), cache_dir=tmp_path)
    assert got[0]["features"] == [9, 10]


@pytest.mark.parametrize(("batch_size", "shard_size"), [(3, 4), (256, 2), (1, 8192)])
def test_sizes_are_no_part_of_the_key(toy, numbers, tmp_path, batch_size, shard_size):
    extract(numbers, toy(), cache_dir=tmp_path, batch_size=2, shard_size=4)
    again = toy()
    got = extract(numbers, again, cache_dir=tmp_path, batch_size=batch_size, shard_size=shard_size)
    assert again.calls == 0
    assert got["features"][:] == [[x, x + 1] for x in range(10)]


def test_cached_is_true_only_once_every_shard_is_there(toy, numbers, tmp_path):
    assert not cached(numbers, toy(), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        extract(numbers, toy(fail_at=1), cache_dir=tmp_path, batch_size=5, shard_size=5)
    assert not cached(numbers, toy(), tmp_path)
    extract(numbers, toy(), cache_dir=tmp_path, batch_size=5, shard_size=5)
    assert cached(numbers, toy(), tmp_path)
    assert not cached(numbers, toy(weight=2.0), tmp_path)
