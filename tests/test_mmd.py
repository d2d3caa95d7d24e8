"""The discrepancy of a subset: worked numbers, and what must hold for any features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hf_dynsel.mmd import Whole, drawn, gaussian, linear, median_gamma, squared_mmd

WHOLE = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6], [0.6, 0.8]])
SUBSET = WHOLE[[0, 2]]
tables = arrays(np.float64, st.tuples(st.integers(2, 7), st.just(3)), elements=st.floats(-2, 2))


def by_hand(subset, whole, gamma):
    """Both estimates, pair by pair, from the kernel as it is written."""

    def kernel(a, b):
        return np.exp(-gamma * ((a - b) ** 2).sum())

    def mean(left, right, same):
        pairs = [(i, j) for i in range(len(left)) for j in range(len(right))]
        return np.mean([kernel(left[i], right[j]) for i, j in pairs if not (same and i == j)])

    between = 2 * mean(subset, whole, False)
    return (
        mean(subset, subset, False) + mean(whole, whole, False) - between,
        mean(subset, subset, True) + mean(whole, whole, True) - between,
    )


def test_the_worked_example():
    found = squared_mmd(SUBSET, WHOLE, gaussian(0.5))
    assert found.biased == pytest.approx(0.121019067, abs=1e-9)
    assert found.unbiased == pytest.approx(-0.040166787, abs=1e-9)


def test_a_subset_that_is_all_has_no_biased_distance_and_a_negative_unbiased_one():
    found = squared_mmd(WHOLE, WHOLE, gaussian(0.5))
    assert found.biased == pytest.approx(0, abs=1e-15)
    assert found.unbiased == pytest.approx(-0.141102460, abs=1e-9)


def test_the_linear_kernel_measures_the_distance_of_the_means():
    """Means (.9, .3) and (.6, .6): .3² + .3² = .18."""
    assert squared_mmd(SUBSET, WHOLE, linear).biased == pytest.approx(0.18)


@settings(max_examples=50, deadline=None)
@given(tables, tables, st.floats(0.01, 3))
def test_both_estimates_are_those_of_all_pairs(subset, whole, gamma):
    found = squared_mmd(subset, whole, gaussian(gamma))
    biased, unbiased = by_hand(subset, whole, gamma)
    assert found.biased == pytest.approx(biased, abs=1e-9)
    assert found.unbiased == pytest.approx(unbiased, abs=1e-9)
    assert found.biased >= -1e-12


@settings(max_examples=25, deadline=None)
@given(tables, tables)
def test_the_linear_kernel_is_the_distance_of_the_means_of_any_features(subset, whole):
    gap = subset.mean(axis=0) - whole.mean(axis=0)
    assert squared_mmd(subset, whole, linear).biased == pytest.approx(gap @ gap, abs=1e-9)


def test_more_rows_than_fit_at_once_give_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    subset, whole = rng.normal(size=(7, 3)), rng.normal(size=(11, 3))
    before = squared_mmd(subset, whole, gaussian(0.3)), median_gamma(whole)
    monkeypatch.setattr("hf_dynsel.mmd.ROWS_AT_ONCE", 3)
    after = squared_mmd(subset, whole, gaussian(0.3)), median_gamma(whole)
    assert after[0].biased == pytest.approx(before[0].biased)
    assert after[0].unbiased == pytest.approx(before[0].unbiased)
    assert after[1] == before[1]


def test_several_kernels_at_once_give_what_each_gives_alone():
    kernels = [gaussian(0.5), linear]
    assert Whole(WHOLE, kernels).distance(SUBSET) == [
        squared_mmd(SUBSET, WHOLE, kernel) for kernel in kernels
    ]


def test_tiny_distances_keep_their_digits():
    """Rows 1e-5 apart at gamma 1/768: as the linear kernel times 2 gamma, to a part in 10⁸."""
    rng = np.random.default_rng(0)
    whole = np.ones((50, 4)) + 1e-5 * rng.normal(size=(50, 4))
    gap = whole[:10].mean(axis=0) - whole.mean(axis=0)
    found = squared_mmd(whole[:10], whole, gaussian(1 / 768)).biased
    assert found == pytest.approx(2 / 768 * (gap @ gap), rel=1e-3)


def test_float32_features_are_computed_in_float64():
    found = squared_mmd(SUBSET.astype(np.float32), WHOLE.astype(np.float32), gaussian(0.5))
    assert found.biased == pytest.approx(0.121019067, abs=1e-7)


def test_the_median_width_is_that_of_the_distances_of_pairs():
    """Distances of 0, 3 and 4 on two axes: 3, 4, 5; the median is 4."""
    corners = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    assert median_gamma(corners) == pytest.approx(1 / 32)


def test_equal_rows_have_no_width():
    with pytest.raises(ValueError, match="the median distance of 4 rows is zero"):
        median_gamma(np.ones((4, 2)))


@pytest.mark.parametrize(("subset", "whole"), [(1, 4), (2, 1), (0, 4)])
def test_a_side_of_fewer_than_two_rows_is_refused(subset, whole):
    with pytest.raises(ValueError, match="the unbiased estimate needs two of each"):
        squared_mmd(WHOLE[:subset], WHOLE[:whole], linear)


def test_few_rows_are_all_taken_and_of_many_as_many_as_asked():
    rng = np.random.default_rng(0)
    assert drawn(np.arange(4), rng, 5).tolist() == [0, 1, 2, 3]
    found = drawn(np.arange(100, 200), rng, 5)
    assert len(set(found.tolist())) == 5 and found.min() >= 100
