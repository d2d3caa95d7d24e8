"""Each class keeps a smaller share than the one before."""

import numpy as np
import pytest

from hf_dynsel.data import digits
from hf_dynsel.data.long_tail import long_tail_rows, long_tailed
from hf_dynsel.data.split import label_array

LABELS = np.repeat([0, 1, 2], 100)


def test_shares_fall_by_the_same_factor_from_all_to_one_of_the_ratio():
    rows = long_tail_rows(LABELS, 100, 0)
    assert np.bincount(LABELS[rows]).tolist() == [100, 10, 1]
    assert (np.diff(rows) > 0).all()


def test_a_ratio_of_one_keeps_all():
    assert long_tail_rows(LABELS, 1, 0).tolist() == list(range(300))


def test_every_class_keeps_a_row():
    assert np.bincount(LABELS[long_tail_rows(LABELS, 1e6, 0)]).min() == 1


def test_the_rows_follow_the_seed():
    first, same, other = (long_tail_rows(LABELS, 10, seed).tolist() for seed in (0, 0, 1))
    assert first == same != other


def test_a_dataset_keeps_its_columns_and_order():
    train = digits()["train"]
    found = long_tailed(train, 10)
    assert found.column_names == train.column_names
    kept = long_tail_rows(label_array(train), 10, 0)
    assert label_array(found).tolist() == label_array(train)[kept].tolist()


@pytest.mark.parametrize("ratio", [0.5, 0, -1, float("nan")])
def test_a_ratio_below_one_is_refused(ratio):
    with pytest.raises(ValueError, match=f"ratio must be at least 1, got {ratio}"):
        long_tail_rows(LABELS, ratio, 0)
