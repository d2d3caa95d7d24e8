import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.usage import class_mix, gini, never_used, overlap


def test_never_used_is_a_share():
    assert never_used(np.array([0, 2, 0, 1])) == 0.5


@pytest.mark.parametrize(
    ("counts", "expected"), [([3, 3, 3], 0.0), ([0, 0, 0, 8], 0.75), ([1, 3], 0.25), ([0, 0], 0.0)]
)
def test_worked_gini_indices(counts, expected):
    """(1, 3): mean difference over all pairs (0 + 2 + 2 + 0) / 4 = 1, over twice the mean of 2."""
    assert gini(np.array(counts)) == expected


@given(counts=st.lists(st.integers(0, 200), min_size=1, max_size=30).filter(any))
def test_gini_is_half_the_relative_mean_difference(counts):
    array = np.array(counts, dtype=np.int32)
    differences = np.abs(array[:, None] - array[None, :]).mean()
    assert gini(array) == pytest.approx(differences / (2 * array.mean()))


def test_overlap_is_a_share_of_the_current_selection():
    assert overlap(np.array([5, 1, 2, 3]), np.array([3, 9])) == 0.5
    assert overlap(np.array([3, 9]), np.array([5, 1, 2, 3])) == 0.25


def test_class_mix_counts_classes_that_are_missing():
    labels = np.array([0, 0, 1, 2])
    np.testing.assert_array_equal(class_mix(np.array([0, 1, 2, 1]), labels), [0.75, 0.25, 0.0])
