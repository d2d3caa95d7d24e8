import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from hf_dynsel.selectors.loss_groups import loss_groups

finite = st.floats(0, 10, width=32)


def groups(values, count):
    return loss_groups(np.array(values, dtype=float), count).tolist()


def test_clusters_that_lie_apart_are_found_whatever_their_size():
    assert groups([5.0, 0.1, 0.2, 0.0, 9.0, 0.3, 9.1], 3) == [1, 0, 0, 0, 2, 0, 2]


def test_equal_values_are_one_group_and_infinity_is_in_the_last():
    assert groups([3, 3, 3], 2) == [0, 0, 0]
    assert groups([np.inf, 1, 8, np.inf], 2) == [1, 0, 1, 1]
    assert groups([np.inf, np.inf], 4) == [0, 0]
    assert groups([7], 10) == [0]


@given(values=st.lists(finite | st.just(np.inf), min_size=1, max_size=30), count=st.integers(1, 6))
@settings(max_examples=100)
def test_each_value_is_nearest_to_the_mean_of_its_own_group(values, count):
    """And groups are numbered by their means, without a gap."""
    values = np.array(values)
    found = loss_groups(values, count)
    known = np.isfinite(values)
    if not known.any():
        assert not found.any()
        return
    assert sorted(set(found[known])) == list(range(found.max() + 1))
    assert found.max() < count
    assert (found[~known] == found.max()).all()
    means = np.array([values[known & (found == g)].mean() for g in range(found.max() + 1)])
    assert (np.diff(means) > 0).all()
    gaps = np.abs(values[known, None] - means)
    np.testing.assert_allclose(gaps[np.arange(known.sum()), found[known]], gaps.min(1), atol=1e-6)


def test_it_is_as_good_as_scikit_learn():
    """The sum of squares within groups of 2000 losses of a skewed distribution."""
    losses = np.random.default_rng(0).gamma(1.0, size=2000)
    found = loss_groups(losses, 10)
    own = sum(((losses[found == g] - losses[found == g].mean()) ** 2).sum() for g in range(10))
    theirs = KMeans(10, n_init=1, random_state=0).fit(losses[:, None]).inertia_
    assert own <= theirs


@given(values=st.lists(finite, min_size=2, max_size=20, unique=True), seed=st.integers(0, 9))
@settings(max_examples=30)
def test_the_order_of_the_rows_does_not_matter(values, seed):
    values = np.array(values)
    order = np.random.default_rng(seed).permutation(len(values))
    np.testing.assert_array_equal(loss_groups(values[order], 4), loss_groups(values, 4)[order])
