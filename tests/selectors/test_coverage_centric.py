import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors.coverage_centric import CoverageCentric, smallest_first, stratum
from hf_dynsel.simulate import simulate


def choose(scores, **settings):
    pool = Pool(len(scores), {"aum": np.array(scores, dtype=np.float32)})
    return simulate(CoverageCentric(**settings), pool, 1)[0].indices


def test_the_budget_goes_to_the_smallest_strata_first():
    """Of 10, the fair part is 3 of three strata, then 4 of two, then 5 of the last.

    Beyond: strata of 1 and 4 give all they have, and the largest the other 5.
    """
    assert smallest_first(np.array([1, 9, 4]), 10).tolist() == [1, 5, 4]
    assert smallest_first(np.array([9, 9, 2]), 10).tolist() == [4, 4, 2]
    assert smallest_first(np.array([9, 9, 9]), 10).tolist() == [3, 3, 4]


@given(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=8), part=st.floats(0, 1))
@settings(max_examples=100)
def test_parts_are_exact_and_as_equal_as_sizes_allow(sizes, part):
    sizes = np.array(sizes)
    budget = round(part * sizes.sum())
    quotas = smallest_first(sizes, budget)
    assert quotas.sum() == budget
    assert (quotas <= sizes).all() and (quotas >= 0).all()
    open_ = quotas[quotas < sizes]  # a stratum with samples left has about as many as any other
    assert len(open_) == 0 or quotas.max() - open_.min() <= 1


def test_strata_are_of_equal_width_and_the_highest_score_is_in_the_last():
    """Steps of 0.25; a border belongs to the stratum above it."""
    scores = np.array([0.0, 0.2, 0.25, 0.6, 0.99, 1.0]) - 7
    assert stratum(scores, 4).tolist() == [0, 0, 1, 2, 3, 3]


def test_empty_strata_get_nothing():
    assert stratum(np.array([0.0, 1.0, 100.0]), 50).tolist() == [0, 0, 1]


def test_a_subset_covers_the_range_evenly():
    """Of 100 scores 90 are in the lowest of ten strata, and one or two in each other."""
    scores = np.r_[np.full(90, 0.05), np.linspace(0.15, 0.95, 9), 0.0]
    chosen = choose(scores, keep=0.2, beta=0.0, strata=10)
    assert set(range(90, 99)) <= set(chosen)
    assert len(chosen) == 20


def test_the_hardest_are_left_out():
    """Rows 9 and 8 of ten; with rows 0 to 7 all kept."""
    assert choose(np.arange(10), keep=0.8, beta=0.2).tolist() == list(range(8))


def test_never_so_many_are_left_out_that_the_budget_is_missed():
    assert choose(np.arange(10), keep=0.9, beta=0.5).tolist() == list(range(9))
    assert choose(np.arange(10), keep=1.0, beta=0.5).tolist() == list(range(10))


def test_scores_below_zero_lose_no_sample():
    """The released code multiplies the highest score by 1.0001, here to less than it was."""
    scores = np.array([-5.0, -4.0, -3.0, -2.0])
    assert choose(scores, keep=1.0, beta=0.0, strata=2).tolist() == [0, 1, 2, 3]


def test_equal_scores_are_drawn_uniformly():
    """Each of 20 rows is in half of 400 draws, with a deviation of 10."""
    drawn = [choose(np.zeros(20), seed=seed, keep=0.5, beta=0.0) for seed in range(400)]
    assert np.abs(np.bincount(np.concatenate(drawn)) - 200).max() < 5 * 10


@given(
    scores=st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=25),
    keep=st.floats(0.01, 1),
    beta=st.floats(0, 1),
    strata=st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_each_stratum_has_its_part_of_what_is_left(scores, keep, beta, strata):
    """Against the algorithm by loops: cut, sort into bins, and give to the smallest bin first."""
    chosen = choose(scores, keep=keep, beta=beta, strata=strata)
    scores, size = np.float32(scores).astype(float), len(scores)
    budget = max(1, int(keep * size + 1e-9))
    cut = min(int(beta * size + 1e-9), size - budget)
    left = sorted(range(size), key=lambda i: (-scores[i], i))[cut:]
    low, width = min(scores[left]), max(scores[left]) - min(scores[left])
    cell = {i: min(int((scores[i] - low) * strata // (width or 1)), strata - 1) for i in left}
    bins = [[i for i in left if cell[i] == b] for b in range(strata)]
    rest = budget
    for done, members in enumerate(sorted(bins, key=len)):
        part = min(len(members), rest // (strata - done))
        assert len(members) == 0 or abs(len(set(members) & set(chosen)) - part) <= 1
        rest -= part
    assert len(chosen) == len(set(chosen)) == budget
    assert set(chosen) <= set(left)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beta": 1.1}, r"beta must be in \[0, 1\], got 1.1"),
        ({"strata": 0}, "strata must be a whole number of at least 1, got 0"),
        ({"score": "margin"}, "no score column 'margin'"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        choose([1.0, 2.0], **settings)
