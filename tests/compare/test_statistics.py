"""Paired differences and corrected tests, against SciPy, worked numbers and closed testing."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hf_dynsel.compare.statistics import Difference, difference, holm


def test_the_difference_is_the_mean_over_the_seeds_with_its_t_interval() -> None:
    """Gaps 1, 2, 3: mean 2, standard error 1 / sqrt(3), t(0.975, 2) = 4.302653."""
    found = difference({0: 11.0, 1: 22.0, 2: 33.0}, {0: 10.0, 1: 20.0, 2: 30.0})
    half = 4.302653 / np.sqrt(3)
    assert found is not None
    assert (found.seeds, found.mean) == (3, 2.0)
    assert found.low == pytest.approx(2 - half, abs=1e-5)
    assert found.high == pytest.approx(2 + half, abs=1e-5)


def test_the_p_value_is_that_of_the_paired_t_test() -> None:
    ours, theirs = {0: 0.9, 1: 0.8, 2: 0.85, 3: 0.7}, {0: 0.8, 1: 0.82, 2: 0.8, 3: 0.65}
    found = difference(ours, theirs)
    assert found is not None
    paired = stats.ttest_rel(list(ours.values()), list(theirs.values()))
    assert found.p == pytest.approx(paired.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(paired.confidence_interval(0.95)))


def test_only_seeds_that_both_have_are_paired() -> None:
    """Seeds 1 and 2: gaps 2 and 4; seeds 0 and 3 stand alone."""
    found = difference({0: 100.0, 1: 3.0, 2: 5.0}, {1: 1.0, 2: 1.0, 3: 100.0})
    assert found is not None
    assert (found.seeds, found.mean) == (2, 3.0)


def test_without_a_common_seed_there_is_no_difference() -> None:
    assert difference({0: 1.0}, {1: 1.0}) is None


def test_one_seed_has_neither_interval_nor_test() -> None:
    assert difference({0: 0.5}, {0: 0.25}) == Difference(1, 0.25)


@pytest.mark.parametrize("gap", [0.0, 0.1])
def test_differences_without_spread_prove_nothing(gap: float) -> None:
    """0.7 + 0.1 - 0.7 and 0.2 + 0.1 - 0.2 differ in the last bit, which is no spread."""
    found = difference({0: 0.7 + gap, 1: 0.2 + gap}, {0: 0.7, 1: 0.2})
    assert found is not None
    assert found.p == 1.0
    assert found.low == found.high == found.mean == pytest.approx(gap)


def test_holm_on_worked_numbers() -> None:
    """0.01 * 4; 0.02 * 3 = 0.06; 0.03 * 2 = 0.06; 0.04 * 1, raised to the 0.06 before it."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_of_no_test_is_nothing() -> None:
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_closed_testing_with_bonferroni(p_values: list[float]) -> None:
    """A test is as significant as the least significant Bonferroni test of a set it is in."""
    places = range(len(p_values))
    sets = [s for size in places for s in combinations(places, size + 1)]
    raised = [
        max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in sets if i in s) for i in places
    ]
    assert holm(p_values) == pytest.approx(raised)
