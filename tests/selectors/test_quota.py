import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.selectors.quota import equal_quota, proportional_quota


@st.composite
def classes_and_budget(draw):
    sizes = draw(st.lists(st.integers(1, 30), min_size=1, max_size=12))
    return np.array(sizes), draw(st.integers(0, sum(sizes)))


@pytest.mark.parametrize(
    ("sizes", "budget", "equal", "proportional"),
    [
        ((5, 5, 5, 5), 6, (2, 2, 1, 1), (2, 2, 1, 1)),
        ((4, 10, 6), 10, (4, 3, 3), (2, 5, 3)),
        ((2, 10, 10), 11, (2, 5, 4), (1, 5, 5)),
        ((5706, 3692, 1645, 647), 3507, (954, 953, 953, 647), (1712, 1108, 493, 194)),
    ],
)
def test_worked_quotas(sizes, budget, equal, proportional):
    """In the last row the class of 647 is taken whole; (3507 - 647) / 3 leaves a rest of one."""
    assert tuple(equal_quota(np.array(sizes), budget)) == equal
    assert tuple(proportional_quota(np.array(sizes), budget)) == proportional


@pytest.mark.parametrize("quota", [equal_quota, proportional_quota])
@given(case=classes_and_budget())
def test_quotas_add_up_to_the_budget_and_fit_the_classes(quota, case):
    sizes, budget = case
    quotas = quota(sizes, budget)
    assert quotas.sum() == budget
    assert (quotas >= 0).all()
    assert (quotas <= sizes).all()


@given(case=classes_and_budget())
def test_equal_quota_deals_one_sample_at_a_time(case):
    """Going round the classes that still have samples, one each, is what equal means."""
    sizes, budget = case
    dealt = np.zeros_like(sizes)
    while dealt.sum() < budget:
        for label in range(len(sizes)):
            if dealt[label] < sizes[label] and dealt.sum() < budget:
                dealt[label] += 1
    np.testing.assert_array_equal(equal_quota(sizes, budget), dealt)


@given(case=classes_and_budget())
def test_proportional_quota_is_within_one_of_the_exact_share(case):
    sizes, budget = case
    exact = budget * sizes / sizes.sum()
    assert (np.abs(proportional_quota(sizes, budget) - exact) < 1).all()


@pytest.mark.parametrize("quota", [equal_quota, proportional_quota])
def test_a_budget_beyond_all_classes_is_refused(quota):
    with pytest.raises(ValueError, match="budget of 6 over classes with 5 samples"):
        quota(np.array([2, 3]), 6)
