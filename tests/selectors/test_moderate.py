import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors.moderate import Moderate
from hf_dynsel.simulate import simulate


def choose(scores, keep):
    pool = Pool(len(scores), {"center_distance": np.array(scores, dtype=np.float32)})
    return simulate(Moderate(keep=keep), pool, 1)[0].indices.tolist()


@pytest.mark.parametrize(
    ("distances", "kept"),
    [
        ([2, 1, 0, 1, 18, 5, 1, 0, 1, 2], [0, 3, 6, 8]),
        ([5.2, 4.2, 3.2, 2.2, 14.8, 4.4, 0.4, 0.6, 1.6, 2.6], [1, 2, 3, 9]),
    ],
    ids=["median", "mean"],
)
def test_the_middle_of_all_ranks_is_kept_whatever_the_class(distances, kept):
    """Ranks 3 to 6 of ten; of equal distances the lower rows rank first."""
    assert choose(distances, 0.4) == kept


def test_of_an_odd_number_left_out_the_one_more_is_at_the_high_end():
    assert choose([0, 1, 2, 3, 4], 0.4) == [1, 2]
    assert choose([3, 1, 2], 0.34) == [2]


@given(scores=st.lists(st.integers(0, 9), min_size=1, max_size=30), keep=st.floats(0.01, 1))
def test_nothing_kept_is_beyond_what_is_left_out_at_either_end(scores, keep):
    kept = choose(scores, keep)
    assert len(kept) == max(1, int(keep * len(scores) + 1e-9))
    low, high = min(scores[i] for i in kept), max(scores[i] for i in kept)
    below = sum(score < low for score in scores)
    above = sum(score > high for score in scores)
    left_out = len(scores) - len(kept)
    assert below <= left_out // 2
    assert above <= left_out - left_out // 2


def test_a_pool_without_the_score_is_refused():
    with pytest.raises(ValueError, match="no score column 'center_distance'"):
        Moderate().setup(Pool(3), 1)
