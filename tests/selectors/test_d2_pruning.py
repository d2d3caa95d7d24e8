import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from hf_dynsel.core import Pool
from hf_dynsel.selectors.d2_pruning import D2Pruning, messages, pick
from hf_dynsel.selectors.neighbor_graph import neighbor_graph

LINE = np.array([[0.0], [0.1], [1.0], [5.0]], np.float32)
SCORES = np.array([1.0, 2.0, 0.5, 3.0])


def chosen(
    features: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray | None = None,
    **hyperparameters: object,
) -> list[int]:
    selector = D2Pruning(**hyperparameters)
    pool = Pool(len(features), {"el2n": scores}, labels, {"features": features})
    selector.setup(pool, 3)
    return selector.select(0).indices.tolist()


def literal(points, scores, count, k, forward, reverse, squared):
    """The definition, with tables of all pairs; ties go to the lower row."""
    n = len(points)
    table = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(table, np.inf)
    joined = np.zeros((n, n), bool)
    np.put_along_axis(joined, np.argsort(table, 1, kind="stable")[:, : min(k, n - 1)], True, 1)
    joined |= joined.T
    away = np.where(joined, table.astype(np.float32).astype(np.float64), 0)
    away = away**2 if squared else away
    values = scores + (joined * np.exp(-forward * away)) @ scores
    order = []
    for _ in range(count):
        values[order] = -np.inf
        order.append(int(values.argmax()))
        taken = max(values[order[-1]], 0)
        values = values - joined[order[-1]] * np.exp(-reverse * away[order[-1]]) * taken
    return order


@pytest.mark.parametrize(
    ("squared", "forward"),
    [
        (False, [2.809675, 3.108122, 1.368086, 3.009158]),
        (True, [2.9801, 3.212479, 1.389716, 3.0]),
    ],
)
def test_worked_example(squared, forward):
    """Of one neighbour each: 0-1, 1-2 and 2-3 are joined."""
    graph = neighbor_graph(LINE, 1)
    values = SCORES + messages(graph, 1.0, squared) @ SCORES
    np.testing.assert_allclose(values, forward, atol=1e-6)
    assert chosen(LINE, SCORES, keep=0.75, neighbors=1, squared=squared) == [1, 3, 0]


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=80, deadline=None)
def test_the_sparse_graph_and_the_heap_choose_as_tables_of_all_pairs_do(seed, squared):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 40)), int(rng.integers(1, 7))
    points = rng.standard_normal((n, 2)).astype(np.float32)
    scores = rng.random(n)
    found = chosen(points, scores, keep=1.0, neighbors=k, gamma_reverse=0.3, squared=squared)
    assert found == literal(points, scores, n, k, 1.0, 0.3, squared)


def test_of_equal_values_the_lower_row_comes_first():
    """Three pairs of duplicates, far apart: one of each, and then the other of each."""
    features = np.repeat(np.array([[0.0], [1000.0], [2000.0]], np.float32), 2, axis=0)
    assert chosen(features, np.ones(6), keep=1.0, neighbors=1) == [0, 2, 4, 1, 3, 5]


def test_a_lone_hard_sample_yields_to_easier_ones_that_stand_for_many():
    """Ten rows at one place sum their scores of 0.2 to 2; the lone one has 1."""
    features = np.array([[0.0]] * 10 + [[100.0]], np.float32)
    scores = np.array([0.2] * 10 + [1.0])
    assert chosen(features, scores, keep=2 / 11, neighbors=9) == [0, 10]


def test_a_factor_changes_nothing_and_negative_scores_are_raised_to_zero():
    rng = np.random.default_rng(0)
    features, scores = rng.standard_normal((80, 2)).astype(np.float32), rng.random(80)
    scores -= scores.min()
    plain = chosen(features, scores)
    assert chosen(features, 8 * scores) == plain
    assert chosen(features, scores - 2) == plain


def test_neighbors_of_a_value_below_zero_do_not_gain_from_it():
    """Row 0 takes 3 from row 1, which is left with -1; if row 2 gained that 1, it would have -0.5
    and come before row 3."""
    joined = np.zeros((4, 4))
    joined[[0, 1, 1, 2], [1, 0, 2, 1]] = 1
    values = np.array([3.0, 2.0, -1.5, -1.2])
    found = pick(values, csr_array(joined), np.zeros(4, np.int64), np.array([4]))
    assert found.tolist() == [0, 1, 3, 2]


def test_the_cutoff_leaves_out_the_hardest():
    rng = np.random.default_rng(0)
    features, scores = (
        rng.standard_normal((100, 2)).astype(np.float32),
        rng.permutation(100).astype(float),
    )
    found = chosen(features, scores, keep=0.3, cutoff=0.4)
    assert len(found) == 30
    assert scores[found].max() <= 59
    rows = np.flatnonzero(scores < 60)
    assert rows[chosen(features[rows], scores[rows], keep=0.5)].tolist() == found


def test_a_quota_fills_every_class():
    """Of 10, 3 and 1 samples, 4 are 2, 1 and 1; the cutoff may leave a class fewer."""
    features = np.random.default_rng(0).standard_normal((14, 2)).astype(np.float32)
    labels, scores = np.repeat([0, 1, 2], [10, 3, 1]), np.arange(14.0)
    counts = {0.0: [2, 1, 1], 0.1: [2, 2, 0]}
    for cutoff, wanted in counts.items():
        found = chosen(features, scores, labels, quota="equal", cutoff=cutoff)
        assert np.bincount(labels[found], minlength=3).tolist() == wanted


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"neighbors": 0}, "neighbors must be a whole number of at least 1, got 0"),
        ({"gamma_reverse": -1.0}, "gamma_reverse must be finite and not negative, got -1.0"),
        ({"cutoff": 0.8}, r"cutoff must be in \[0, 1 - keep\], got 0.8 .* set cutoff to 0.7"),
        ({"quota": "equal"}, "quota='equal' needs class labels"),
        ({"score": "aum"}, "no score column 'aum'"),
    ],
)
def test_what_is_out_of_range_or_missing_is_refused_at_setup(hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        chosen(LINE, SCORES, **hyperparameters)
