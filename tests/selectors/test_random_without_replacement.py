import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors import RandomWithoutReplacement
from hf_dynsel.simulate import simulate


@st.composite
def pool_and_budget(draw):
    size = draw(st.integers(1, 30))
    return size, draw(st.integers(1, size))


def rounds(size: int, budget: int, epochs: int, seed: int = 0) -> list[np.ndarray]:
    selector = RandomWithoutReplacement(seed, keep=budget / size)
    return [selection.indices for selection in simulate(selector, Pool(size), epochs)]


@pytest.mark.parametrize("budget", [3, 4, 5, 7])
def test_ten_epochs_of_ten_rows_use_each_row_as_often_as_the_budget(budget):
    """The released sampler gives sizes 3, 3, 3, 2, ... for a budget of 3 and 4, 4, 3 for 4."""
    chosen = rounds(10, budget, 10)
    assert [len(rows) for rows in chosen] == [budget] * 10
    assert np.bincount(np.concatenate(chosen)).tolist() == [budget] * 10


@given(case=pool_and_budget(), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_every_row_is_used_equally_often_at_any_epoch(case, seed):
    size, budget = case
    counts = np.zeros(size, dtype=int)
    for rows in rounds(size, budget, 2 * size, seed):
        assert len(np.unique(rows)) == len(rows) == budget
        counts[rows] += 1
        assert counts.max() - counts.min() <= 1
    assert (counts == 2 * budget).all()


def test_halves_of_a_pool_alternate():
    first, second, third, fourth = rounds(10, 5, 4)
    assert set(first) | set(second) == set(third) | set(fourth) == set(range(10))


def test_the_first_epoch_is_not_in_row_order():
    assert rounds(100, 30, 1)[0].tolist() != list(range(30))


def test_a_late_epoch_of_a_long_run_is_found_at_once():
    """A walk through every permutation before it would take hours."""
    selector = RandomWithoutReplacement(keep=0.3)
    selector.setup(Pool(1000), 10**9)
    assert len(np.unique(selector.select(10**9 - 1).indices)) == 300


@pytest.mark.parametrize(("size", "budget"), [(11, 3), (11, 8)])
def test_every_row_is_as_likely_in_an_epoch_that_joins_two_permutations(size, budget):
    """Epoch 3 of (11, 3) takes rows 9 and 10 of one permutation and 0 of the next.

    In 1100 seeds each row is expected 300 or 800 times, with a standard deviation of 15.
    """
    seeds = 1100
    selections = []
    for seed in range(seeds):
        selector = RandomWithoutReplacement(seed, keep=budget / size)
        selector.setup(Pool(size), 10)
        selections.append(selector.select(3).indices)
    counts = np.bincount(np.concatenate(selections), minlength=size)
    assert (np.abs(counts - seeds * budget / size) < 5 * 15).all()


@given(case=pool_and_budget(), warmup=st.integers(0, 3), refine=st.sampled_from([0.0, 0.1, 0.15]))
@settings(max_examples=40)
def test_whole_epochs_keep_the_balance_of_those_that_select(case, warmup, refine):
    """At any time, counts over the epochs that select differ by at most one."""
    size, budget = case
    selector = RandomWithoutReplacement(keep=budget / size, warmup_epochs=warmup, refine=refine)
    epochs, counts = 20, np.zeros(size, dtype=int)
    tail = {0.0: 0, 0.1: 2, 0.15: 3}[refine]
    for epoch, selection in enumerate(simulate(selector, Pool(size), epochs)):
        if warmup <= epoch < epochs - tail:
            assert len(selection.indices) == selector.planned_size(epoch) == budget
            counts[selection.indices] += 1
            assert counts.max() - counts.min() <= 1
        else:
            assert len(selection.indices) == selector.planned_size(epoch) == size


def test_the_walk_starts_in_the_first_epoch_that_selects():
    plain = simulate(RandomWithoutReplacement(keep=0.3), Pool(20), 5)
    late = simulate(RandomWithoutReplacement(keep=0.3, warmup_epochs=2), Pool(20), 7)
    for first, second in zip(plain, late[2:], strict=True):
        np.testing.assert_array_equal(first.indices, second.indices)
