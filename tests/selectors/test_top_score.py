import numpy as np
import pytest

from hf_dynsel.core import Pool
from hf_dynsel.selectors import TopScore
from hf_dynsel.simulate import simulate


def test_the_highest_scores_are_kept():
    """`keep` is what stays: 20 % of ten rows are the two highest, not all but the two lowest."""
    pool = Pool(10, {"el2n": np.array([3, 9, 1, 4, 8, 0, 7, 2, 6, 5], dtype=np.float32)})
    for selection in simulate(TopScore(keep=0.2), pool, 3):
        assert selection.indices.tolist() == [1, 4]


def test_the_column_is_chosen_by_name():
    pool = Pool(3, {"entropy": np.array([0.0, 1.0, 2.0])})
    assert simulate(TopScore(score="entropy", keep=0.4), pool, 1)[0].indices.tolist() == [2]


def test_a_missing_column_is_named_before_the_run():
    with pytest.raises(ValueError, match="no score column 'el2n' .it has: entropy."):
        TopScore().setup(Pool(1, {"entropy": np.zeros(1)}), 1)


def test_random_ties_are_drawn_once_per_seed():
    pool = Pool(20, {"el2n": np.zeros(20)})
    runs = [simulate(TopScore(s, keep=0.5, tie_break="random"), pool, 3) for s in (0, 1)]
    for first, *others in runs:
        for other in others:
            np.testing.assert_array_equal(other.indices, first.indices)
    assert runs[0][0].indices.tolist() != runs[1][0].indices.tolist()
    assert runs[0][0].indices.tolist() != list(range(10))


def test_an_unknown_tie_break_is_refused():
    selector = TopScore()
    selector.tie_break = "first"
    with pytest.raises(ValueError, match="tie_break must be one of 'index', 'random', got 'first'"):
        selector.setup(Pool(1, {"el2n": np.zeros(1)}), 1)


def ten(**settings):
    pool = Pool(10, {"el2n": np.array([3, 9, 1, 4, 8, 0, 7, 2, 6, 5], dtype=np.float32)})
    return simulate(TopScore(**settings), pool, 1)[0].indices.tolist()


def test_the_hardest_can_be_skipped():
    """The two highest of ten are rows 1 and 4; rows 6 and 8 come next."""
    assert ten(keep=0.2, skip=0.2) == [6, 8]
    assert ten(keep=0.8, skip=0.2) == [0, 2, 3, 5, 6, 7, 8, 9]
    assert ten(keep=0.2, skip=0.09) == ten(keep=0.2) == [1, 4]


def test_of_equal_scores_the_lower_rows_are_skipped_first():
    pool = Pool(6, {"el2n": np.zeros(6)})
    skipping = TopScore(keep=0.5, skip=0.34)
    assert simulate(skipping, pool, 1)[0].indices.tolist() == [2, 3, 4]
    skipping.tie_break = "random"
    assert len(simulate(skipping, pool, 1)[0].indices) == 3


@pytest.mark.parametrize("skip", [-0.1, 0.81, float("nan")])
def test_more_cannot_be_skipped_than_is_left(skip):
    with pytest.raises(ValueError, match=rf"skip must be in \[0, 1 - keep\], got {skip} with keep"):
        ten(keep=0.2, skip=skip)
