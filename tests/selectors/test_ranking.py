import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.selectors import ranking
from hf_dynsel.selectors.ranking import ClassGroups, top, top_per_class


def sorted_top(values: np.ndarray, rows: np.ndarray, count: int) -> list[int]:
    """The same by a full stable sort."""
    return sorted(rows[np.argsort(-values[rows], kind="stable")[:count]].tolist())


@st.composite
def tied_values(draw):
    levels = st.sampled_from([-1.0, -0.0, 0.0, 0.5, 2.0])
    return np.array(draw(st.lists(levels, min_size=1, max_size=40)), dtype=np.float32)


@st.composite
def classes(draw):
    values = draw(tied_values())
    labels = np.array(draw(st.lists(st.integers(0, 4), min_size=len(values), max_size=len(values))))
    labels = np.unique(labels, return_inverse=True)[1]
    sizes = np.bincount(labels)
    return values, labels, np.array([draw(st.integers(0, int(size))) for size in sizes])


@given(values=tied_values(), data=st.data())
def test_top_is_the_head_of_a_stable_sort(values, data):
    count = data.draw(st.integers(0, len(values)))
    assert top(values, count).tolist() == sorted_top(values, np.arange(len(values)), count)


@given(case=classes())
def test_top_per_class_is_the_head_of_each_classs_stable_sort(case):
    values, labels, quotas = case
    expected = [
        row
        for label, quota in enumerate(quotas)
        for row in sorted_top(values, np.flatnonzero(labels == label), quota)
    ]
    assert top_per_class(values, ClassGroups.of(labels), quotas).tolist() == sorted(expected)


@pytest.mark.parametrize("block", [1, 4, 64])
def test_how_many_values_are_ranked_at_a_time_changes_nothing(block, monkeypatch):
    rng = np.random.default_rng(0)
    labels, values = rng.integers(0, 9, 300), rng.integers(0, 20, 300).astype(np.float32)
    sizes = np.bincount(labels)
    whole = top_per_class(values, ClassGroups.of(labels), sizes // 3)
    monkeypatch.setattr(ranking, "BLOCK", block)
    groups = ClassGroups.of(labels)
    assert len(groups.blocks) == 9 if block < 64 else 1 < len(groups.blocks) < 9
    np.testing.assert_array_equal(top_per_class(values, groups, sizes // 3), whole)


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=30), grouped=st.booleans())
def test_members_are_the_rows_of_each_class(labels, grouped):
    numbers = np.unique(sorted(labels) if grouped else labels, return_inverse=True)[1]
    found = ClassGroups.of(numbers).members()
    expected = [np.flatnonzero(numbers == label) for label in range(numbers.max() + 1)]
    assert [rows.tolist() for rows in found] == [rows.tolist() for rows in expected]


@given(case=classes(), seed=st.integers(0, 9))
def test_random_ties_choose_the_same_values(case, seed):
    values, labels, quotas = case
    groups = ClassGroups.of(labels)
    drawn = top_per_class(values, groups, quotas, np.random.default_rng(seed))
    first = top_per_class(values, groups, quotas)
    np.testing.assert_array_equal(np.bincount(labels[drawn], minlength=len(quotas)), quotas)
    np.testing.assert_array_equal(np.sort(values[drawn]), np.sort(values[first]))


def test_random_ties_are_drawn_evenly():
    """Two of four equal values after one larger: each is drawn in half of 400 draws, +- 5 sd."""
    values = np.array([1.0, 3.0, 1.0, 0.0, 1.0, 1.0])
    draws = [top(values, 3, np.random.default_rng(seed)) for seed in range(400)]
    counts = np.bincount(np.concatenate(draws), minlength=6)
    assert counts[1] == 400
    assert counts[3] == 0
    assert (np.abs(counts[[0, 2, 4, 5]] - 200) < 50).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_lower_rows_win_ties_in_every_number_type(dtype):
    assert top(np.array([5, 7, 5, 5], dtype=dtype), 3).tolist() == [0, 1, 2]
