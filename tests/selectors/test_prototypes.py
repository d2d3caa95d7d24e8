from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors.prototypes import Prototypes
from hf_dynsel.simulate import simulate

DISTANCES = [0.136221, 0.006654, 0.078636, 0.051317, 0.051317]


def choose(scores, labels=None, **settings):
    column = {"prototype_distance": np.array(scores, dtype=np.float32)}
    pool = Pool(len(scores), column, None if labels is None else np.array(labels))
    return simulate(Prototypes(**settings), pool, 1)[0].indices.tolist()


def test_hard_samples_are_far_from_their_prototype_and_easy_ones_near():
    assert choose(DISTANCES, keep=0.4) == [0, 2]
    assert choose(DISTANCES, keep=0.4, prefer="easy") == [1, 3]


def test_a_floor_guarantees_a_part_of_the_fair_share():
    """Of 10 rows 6 are kept; fair are 4.8 and 1.2, and half of these, rounded down, 2 and 0.

    With a floor of one, 4 and 1 are sure, and the sixth goes by score.
    """
    labels, scores = [0] * 8 + [1] * 2, np.arange(10)
    assert choose(scores, labels, keep=0.6) == [4, 5, 6, 7, 8, 9]
    assert choose(-scores, labels, keep=0.6, floor=0.5) == [0, 1, 2, 3, 4, 5]
    assert choose(-scores, labels, keep=0.6, floor=1.0) == [0, 1, 2, 3, 4, 8]
    assert choose(scores, labels, keep=0.6, floor=1.0, prefer="easy") == [0, 1, 2, 3, 4, 8]


@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=3, max_size=9),
    keep=st.floats(0.1, 1),
    floor=st.floats(0, 1),
)
@settings(max_examples=50, deadline=None)
def test_no_subset_with_the_floor_has_a_larger_sum(rows, keep, floor):
    scores, labels = map(np.array, zip(*rows, strict=True))
    labels = np.unique(labels, return_inverse=True)[1]
    chosen = choose(scores, labels, keep=keep, floor=floor)
    budget = max(1, int(keep * len(scores) + 1e-9))
    floors = np.floor(floor * budget * np.bincount(labels) / len(scores) + 1e-12)
    sums = [
        scores[list(subset)].sum()
        for subset in combinations(range(len(scores)), budget)
        if (np.bincount(labels[list(subset)], minlength=len(floors)) >= floors).all()
    ]
    assert len(chosen) == budget
    assert (np.bincount(labels[chosen], minlength=len(floors)) >= floors).all()
    assert scores[chosen].sum() == max(sums)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"floor": 1.5}, r"floor must be in \[0, 1\], got 1.5"),
        ({"floor": 0.5}, "floor=0.5 guarantees samples of each class, .* set floor=None"),
        ({"score": "el2n"}, "no score column 'el2n'"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        choose([1.0, 2.0], **settings)


def test_an_unknown_preference_is_refused():
    selector = Prototypes()
    selector.prefer = "middle"
    with pytest.raises(ValueError, match="prefer must be one of 'hard', 'easy', got 'middle'"):
        selector.setup(Pool(1, {"prototype_distance": np.zeros(1)}), 1)
