from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from hf_dynsel.core import Pool
from hf_dynsel.selectors.info_max import InfoMax, cosines, info_max, objective, spectral_norm
from hf_dynsel.selectors.ranking import top

IMPORTANCE = np.array([1.0, 0.95, 0.9, 0.5, 0.4])
LIKENESS = np.zeros((5, 5))
LIKENESS[[0, 1], [1, 0]] = 0.9
LIKENESS[[0, 2, 1, 2], [2, 0, 2, 1]] = 0.1
LIKENESS[[3, 4], [4, 3]] = 0.8


def chosen(features: np.ndarray, scores: np.ndarray, **hyperparameters: object) -> list[int]:
    selector = InfoMax(**hyperparameters)
    pool = Pool(len(features), {"el2n": scores}, columns={"features": features})
    selector.setup(pool, 3)
    return selector.select(0).indices.tolist()


def test_worked_example():
    """Rows 0 and 1 are alike: 2.4 - 0.5 * 2 * 0.1 = 2.3, and the three most important have
    2.85 - 0.5 * 2 * 1.1 = 1.75. Each pair counts twice."""
    likeness = csr_array(LIKENESS)
    assert info_max(IMPORTANCE, likeness, 0.5, 3).tolist() == [0, 2, 3]
    assert objective(np.array([0, 2, 3]), IMPORTANCE, likeness, 0.5) == pytest.approx(2.3)
    assert objective(np.array([0, 1, 2]), IMPORTANCE, likeness, 0.5) == pytest.approx(1.75)


def enumerated(importance, likeness, alpha, count):
    """The objectives of all subsets."""
    subsets = combinations(range(len(importance)), count)
    return [objective(np.array(rows), importance, likeness, alpha) for rows in subsets]


def instance(rng, n):
    likeness = cosines(rng.standard_normal((n, 3)).astype(np.float32), 3)
    importance = rng.random(n)
    return importance, likeness, importance.sum() / max(likeness.sum(), 1e-9)


def test_of_all_subsets_it_finds_the_best_in_most_cases_and_else_a_good_one():
    """40 cases of 10 samples; the range is from the worst subset to the best."""
    rng, gaps = np.random.default_rng(0), []
    for _ in range(40):
        importance, likeness, alpha = instance(rng, 10)
        count = int(rng.integers(2, 9))
        values = enumerated(importance, likeness, alpha, count)
        found = objective(info_max(importance, likeness, alpha, count), importance, likeness, alpha)
        gaps.append((max(values) - found) / (max(values) - min(values)))
    assert np.mean(np.array(gaps) < 1e-6) >= 0.85
    assert max(gaps) < 0.05


@given(st.integers(0, 2**32 - 1), st.floats(0, 20))
@settings(max_examples=20, deadline=None)
def test_the_objective_is_never_below_that_of_the_most_important(seed, weight):
    rng = np.random.default_rng(seed)
    importance, likeness, alpha = instance(rng, int(rng.integers(2, 30)))
    count = int(rng.integers(1, len(importance) + 1))
    rows = info_max(importance, likeness, weight * alpha, count)
    best = objective(top(importance, count), importance, likeness, weight * alpha)
    assert len(rows) == count
    assert objective(rows, importance, likeness, weight * alpha) >= best


def test_without_weight_on_likeness_it_takes_the_highest_scores():
    rng = np.random.default_rng(0)
    features, scores = rng.standard_normal((50, 4)).astype(np.float32), rng.random(50)
    assert chosen(features, scores, alpha=0.0) == top(scores, 15).tolist()


def test_scores_of_another_scale_choose_the_same():
    """Whole numbers, whose scaling is exact."""
    rng = np.random.default_rng(0)
    features, scores = (
        rng.standard_normal((60, 4)).astype(np.float32),
        rng.permutation(60).astype(float),
    )
    assert chosen(features, 4 * scores - 100) == chosen(features, scores)


def test_of_duplicates_of_equal_importance_it_takes_one_of_each():
    """Ten directions, each three times, and a constant score: only likeness decides."""
    features = np.tile(np.eye(10, dtype=np.float32), (3, 1))
    rows = chosen(features, np.ones(30), keep=1 / 3)
    assert sorted(row % 10 for row in rows) == list(range(10))


def test_cosines_are_those_of_the_features_and_negative_ones_are_zero():
    """Rows at 0, 60 and 180 degrees of different lengths, and a row of zeros."""
    features = np.array([[2.0, 0.0], [0.5, 0.75**0.5], [-3.0, 0.0], [0.0, 0.0]])
    wanted = [[0, 0.5, 0, 0], [0.5, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(cosines(features, 3).toarray(), wanted, atol=1e-6)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_norm_is_the_largest_eigenvalue(seed):
    matrix = cosines(np.random.default_rng(seed).standard_normal((20, 4)).astype(np.float32), 4)
    assert spectral_norm(matrix) == pytest.approx(np.linalg.norm(matrix.toarray(), 2), rel=0.02)


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"alpha": -0.1}, "alpha must be finite and not negative, got -0.1"),
        ({"neighbors": 0}, "neighbors must be a whole number of at least 1, got 0"),
        ({"score": "aum"}, "no score column 'aum'"),
    ],
)
def test_what_is_out_of_range_or_missing_is_refused_at_setup(hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        chosen(np.eye(3, dtype=np.float32), np.ones(3), **hyperparameters)
