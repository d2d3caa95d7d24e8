import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hf_dynsel.scores import Diversity, minmax, rank
from hf_dynsel.scores.normalize import normalized

finite = arrays(np.float64, st.integers(1, 20), elements=st.integers(-5, 5).map(float))


def test_minmax_by_hand():
    assert minmax(np.array([2.0, 4.0, 3.0])).tolist() == [0, 1, 0.5]


def test_constant_values_become_zeros():
    assert minmax(np.full(3, 7.0)).tolist() == [0, 0, 0]


def test_tied_values_share_their_mean_rank():
    """Sorted: 1, 5, 5, 9 at places 0, 1.5, 1.5, 3 of 3."""
    assert rank(np.array([5.0, 1.0, 9.0, 5.0])).tolist() == [0.5, 0, 1, 0.5]


def test_one_value_has_rank_zero():
    assert rank(np.array([3.0])).tolist() == [0]


@given(finite)
def test_both_stay_within_zero_and_one_and_keep_the_order(values):
    for scaled in (minmax(values), rank(values)):
        assert scaled.min() >= 0
        assert scaled.max() <= 1
        increases = values[:, None] < values[None]
        assert (scaled[:, None] < scaled[None])[increases].all()


@pytest.mark.parametrize(
    ("normalize", "expected"),
    [(None, [1, 1.5, 0.5]), ("minmax", [0.5, 1, 0]), ("rank", [0.5, 1, 0])],
)
def test_a_score_is_normalised_as_its_setting_says(normalize, expected, to_columns):
    """Unit 0 fires for items 0 and 1 (rarity 1/2), unit 1 for 1, unit 2 for 0 and 2."""
    columns = to_columns(np.array([[1, 0, 1], [1, 1, 0], [0, 0, 1]]))
    assert Diversity(normalize=normalize).values(columns, None).tolist() == expected


@pytest.mark.parametrize(
    ("normalize", "expected"),
    [("class_minmax", [0, 0, 1, 1, 0.25]), ("class_rank", [0, 0, 1, 1, 0.5])],
)
def test_each_class_is_normalised_on_its_own(normalize, expected):
    values, labels = np.array([2.0, 10.0, 6.0, 18.0, 12.0]), np.array([0, 1, 0, 1, 1])
    assert normalized(values, normalize, labels).tolist() == expected


@given(finite, st.data())
def test_classes_are_normalised_as_they_would_be_alone(values, data):
    labels = data.draw(arrays(np.int64, len(values), elements=st.integers(0, 3)))
    for how in ("minmax", "rank"):
        found = normalized(values, f"class_{how}", labels)
        for label in set(labels):
            alone = normalized(values[labels == label], how, None)
            assert found[labels == label].tolist() == alone.tolist()


def test_classes_are_wanted_where_they_are_asked_for():
    with pytest.raises(ValueError, match="normalize='class_rank' needs class labels.*take 'rank'"):
        normalized(np.ones(2), "class_rank", None)
