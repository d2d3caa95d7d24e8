import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors.herding import Herding, herd

POINTS = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [4, 4]], np.float32)


def chosen(
    features: np.ndarray, labels: np.ndarray | None = None, **hyperparameters: object
) -> list[int]:
    selector = Herding(**hyperparameters)
    selector.setup(Pool(len(features), labels=labels, columns={"features": features}), 3)
    return selector.select(0).indices.tolist()


def test_worked_example():
    """The mean is (1.2, 1.2): row 3 is nearest to it, and with row 1 their mean is 0.728 away,
    which is the best of all pairs. The farthest in place of the nearest would be rows 4 and 3."""
    assert chosen(POINTS, keep=0.4) == [3, 1]
    assert np.linalg.norm(POINTS[[3, 1]].mean(0) - POINTS.mean(0)) == pytest.approx(0.728011)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 10_000]))
@settings(max_examples=50, deadline=None)
def test_every_step_is_the_nearest_to_t_means_less_the_sum(seed, far):
    """But for rounding, which is 1e-3 at an origin of 10,000."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 40)), int(rng.integers(1, 5))
    features = (rng.standard_normal((n, d)) + far).astype(np.float32)
    exact, left = features.astype(np.float64), np.ones(n, bool)
    total = np.zeros(d)
    for t, row in enumerate(herd(features, n), start=1):
        away = np.linalg.norm(t * exact.mean(0) - total - exact, axis=1)
        assert left[row]
        assert away[row] <= away[left].min() + 1e-4
        left[row], total = False, total + exact[row]


def test_the_mean_of_the_subset_is_much_nearer_than_that_of_a_random_one():
    """Of 300 of 1,000 rows: 0.01 and 0.18, near the root of 16 * (1 / 300 - 1 / 1000) = 0.19."""
    features = np.random.default_rng(0).standard_normal((1000, 16)).astype(np.float32)
    off = np.linalg.norm(features[chosen(features)].mean(0) - features.mean(0))
    assert off < 0.19 / 10


def test_duplicates_are_taken_lower_row_first():
    assert chosen(np.ones((6, 2), np.float32), keep=0.5) == [0, 1, 2]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_of_two_equal_rows_the_lower_comes_first(seed):
    """Equal rows lie at different edges of a product, where float32 rounds differently."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    features = rng.standard_normal((n, 32)).astype(np.float32)
    low, high = sorted(rng.choice(n, 2, replace=False).tolist())
    features[high] = features[low]
    order = herd(features, n).tolist()
    assert sorted(order) == list(range(n))
    assert order.index(low) < order.index(high)


@pytest.mark.parametrize(
    ("size", "dtype"), [(2**80, "f4"), (2**125, "f4"), (2**80, "f8"), (2**1021, "f8")]
)
def test_huge_features_have_the_order_of_small_ones(size, dtype):
    """Powers of two, so that ties stay ties."""
    assert (
        herd((POINTS.astype(np.float64) * float(size)).astype(dtype), 5).tolist()
        == herd(POINTS, 5).tolist()
    )


def test_a_quota_herds_every_class_alone_and_in_their_order():
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((60, 3)).astype(np.float32), np.arange(60) % 3
    parts = [np.flatnonzero(labels == c)[herd(features[labels == c], 6)] for c in range(3)]
    assert chosen(features, labels, quota="equal") == np.concatenate(parts).tolist()


def test_a_class_with_one_sample_and_one_without_a_share_are_taken_as_the_quota_says():
    """Of ten, three and one, 14 * 0.3 = 4: proportionally 3, 1 and 0, and equally 2, 1 and 1."""
    features = np.arange(14, dtype=np.float32)[:, None]
    labels = np.repeat([0, 1, 2], [10, 3, 1])
    for quota, counts in {"proportional": [3, 1, 0], "equal": [2, 1, 1]}.items():
        found = labels[chosen(features, labels, quota=quota)]
        assert np.bincount(found, minlength=3).tolist() == counts


def test_a_quota_without_labels_is_refused():
    with pytest.raises(ValueError, match="quota='equal' needs class labels"):
        chosen(POINTS, quota="equal")
