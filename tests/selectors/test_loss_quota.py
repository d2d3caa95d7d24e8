import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.selectors.loss_quota import loss_quota


def quota(sizes, losses, budget):
    return loss_quota(np.array(sizes), np.array(losses, dtype=float), budget).tolist()


def test_the_budget_goes_by_the_root_of_size_times_loss():
    """Roots of 0.9 and 0.1 are as 3 to 1; on a grid the sum of p * L / m is least there."""
    assert quota([90, 10], [1, 1], 20) == [15, 5]
    assert min(range(1, 20), key=lambda m: 0.9 / m + 0.1 / (20 - m)) == 15


def test_a_class_that_is_used_up_leaves_the_rest_to_the_others():
    """The released code splits the 50 anew over the first class: 50 and 10, ten too many."""
    assert quota([90, 10], [1, 1], 50) == [40, 10]


def test_a_class_without_loss_gets_what_the_others_cannot_take():
    assert quota([10, 10], [0, 1], 5) == [0, 5]
    assert quota([10, 10], [0, 1], 15) == [5, 10]


def test_without_any_loss_the_root_of_the_size_decides():
    assert quota([9, 1, 1], [0, 0, 0], 5) == [3, 1, 1]


def test_equal_remainders_go_to_the_lower_class():
    assert quota([5, 5, 5], [1, 1, 1], 4) == [2, 1, 1]


@given(
    classes=st.lists(
        st.tuples(st.integers(1, 30), st.sampled_from([0.0, 1e-6, 0.5, 1.0, 7.0])),
        min_size=1,
        max_size=8,
    ),
    part=st.floats(0, 1),
)
@settings(max_examples=100)
def test_the_sum_is_exact_and_no_class_gives_more_than_it_has(classes, part):
    sizes, losses = map(np.array, zip(*classes, strict=True))
    budget = round(part * sizes.sum())
    quotas = loss_quota(sizes, losses, budget)
    assert quotas.sum() == budget
    assert (quotas >= 0).all() and (quotas <= sizes).all()


@given(
    classes=st.lists(st.tuples(st.integers(1, 6), st.floats(0.1, 5)), min_size=2, max_size=3),
    part=st.floats(0, 1),
)
@settings(max_examples=40, deadline=None)
def test_no_other_split_is_much_better(classes, part):
    """Against every split: what is minimised is least before rounding, which moves each by one."""
    sizes, losses = map(np.array, zip(*classes, strict=True))
    budget = max(len(sizes), round(part * sizes.sum()))
    cost = sizes * losses
    splits = np.array(list(itertools.product(*(range(1, size + 1) for size in sizes))))
    best = (cost / splits[splits.sum(1) == budget]).sum(1).min()
    moved = loss_quota(sizes, losses, budget) + 1
    assert (cost / moved).sum() <= best * (1 + 1e-9)


def test_many_small_classes_share_a_budget_smaller_than_their_number():
    assert sorted(quota([3] * 7, [1] * 7, 4)) == [0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("size", [1, 1000])
def test_a_single_class_takes_all_of_the_budget(size):
    assert quota([size], [0.0], size) == [size]
