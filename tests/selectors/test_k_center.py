import numpy as np
import pytest

from hf_dynsel.core import Pool
from hf_dynsel.selectors.k_center import KCenter

POINTS = np.array([[0, 0], [1, 0], [0, 1], [5, 5], [6, 5], [10, 0]], np.float32)


def chosen(features: np.ndarray, **hyperparameters: object) -> list[int]:
    selector = KCenter(**hyperparameters)
    selector.setup(Pool(len(features), columns={"features": features}), 3)
    return selector.select(0).indices.tolist()


def test_worked_example():
    """From row 0: 10 away is row 5, then 7.07 row 3, then rows 1, 2 and 4 are 1 away."""
    assert chosen(POINTS, start=0, keep=4 / 6) == [0, 5, 3, 1]


def test_smaller_budgets_are_the_beginning_of_larger_ones():
    features = np.random.default_rng(0).standard_normal((2000, 8)).astype(np.float32)
    longest = chosen(features, keep=1.0)
    for keep in (0.001, 0.1, 0.3, 0.7):
        assert chosen(features, keep=keep) == longest[: int(keep * 2000 + 1e-9)]


def test_the_default_start_is_the_row_nearest_to_the_mean():
    """The mean of the rows is (3.67, 1.83); row 3 is 3.4 from it, rows 1 and 2 are 3.2 and 3.8."""
    assert chosen(POINTS, keep=0.2) == [1]


def test_a_random_start_is_drawn_by_the_seed():
    starts = {chosen(POINTS, keep=0.2, start="random", seed=seed)[0] for seed in range(40)}
    assert starts == set(range(6))


def test_it_finds_the_lone_clusters_that_a_random_subset_misses():
    """1,000 rows near the origin and ten far apart; ten at random hold one of them at most."""
    rng = np.random.default_rng(0)
    near = rng.standard_normal((1000, 10))
    features = np.concatenate([near, 100 * np.eye(10)]).astype(np.float32)
    assert set(chosen(features, keep=11 / 1010)[1:]) == set(range(1000, 1010))
    assert len(set(rng.choice(1010, 11, replace=False)) & set(range(1000, 1010))) <= 1


def test_read_only_half_precision_features_are_taken():
    features = POINTS.astype(np.float16)
    features.flags.writeable = False
    assert chosen(features, start=0, keep=4 / 6) == [0, 5, 3, 1]


@pytest.mark.parametrize("start", [-1, 6])
def test_a_start_that_is_no_row_is_refused(start):
    with pytest.raises(ValueError, match=f"'center', 'random' or a row from 0 to 5, got {start}"):
        chosen(POINTS, start=start)
