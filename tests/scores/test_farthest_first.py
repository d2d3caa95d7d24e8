"""The order against a full table of distances, in whole numbers."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.scores import farthest_first as module
from hf_dynsel.scores.farthest_first import central_row, farthest_first


def literal(points, start, count):
    """The definition, with the whole table; of equally far rows, the lower one."""
    table = ((points[:, None] - points[None]) ** 2).sum(-1)
    order, nearest = [start], table[start].copy()
    while len(order) < count:
        nearest[order] = -1
        order.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, table[order[-1]])
    return order


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 5, 1024]))
@settings(max_examples=60, deadline=None)
def test_on_a_grid_full_of_ties_and_duplicates_the_order_is_the_literal_one(seed, front):
    """Squared distances of whole numbers are exact in float32."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 40)), int(rng.integers(1, 4))
    points = rng.integers(-3, 4, (n, d))
    start, count = int(rng.integers(n)), int(rng.integers(1, n + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FRONT", front)
        patch.setattr(module, "BLOCK", 3)
        found = farthest_first(points.astype(np.float32), start, count)
    assert found.tolist() == literal(points, start, count)


@pytest.mark.parametrize("far", [0, 10_000])
@pytest.mark.parametrize(("n", "d", "count"), [(3000, 16, 900), (380, 2, 380)])
def test_each_row_is_the_farthest_but_for_some_millionths_of_the_squared_lengths(n, d, count, far):
    """On the scale of one; also with a far origin."""
    points = np.random.default_rng(0).standard_normal((n, d)) + far
    order = farthest_first(points.astype(np.float32), 0, count)
    assert len(set(order.tolist())) == count
    exact = points.astype(np.float32).astype(np.float64)
    longest = ((exact - exact.mean(axis=0)) ** 2).sum(axis=1).max()
    nearest = np.full(n, np.inf)
    for before, row in zip(order, order[1:], strict=False):
        nearest = np.minimum(nearest, ((exact - exact[before]) ** 2).sum(1))
        assert nearest[row] >= nearest.max() - 3e-6 * longest


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_radius_is_at_most_twice_that_of_the_best_subset(seed):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((9, 2)).astype(np.float32)
    table = np.linalg.norm(points[:, None] - points[None], axis=-1)
    for count in (1, 2, 3, 4):
        best = min(table[list(c)].min(0).max() for c in combinations(range(9), count))
        assert table[farthest_first(points, 0, count)].min(0).max() <= 2 * best + 1e-6


def test_near_duplicates_are_told_apart_where_products_in_float32_are_not():
    """Rows 1 and 2 are 3e-6 and 2e-6 from row 0, at a length of 100 from the central row 4."""
    x = np.array([[100.0], [100.0 + 3e-6], [100.0 - 2e-6], [-100.0], [0.0]])
    assert farthest_first(x, 0, 5).tolist() == [0, 3, 4, 1, 2]


def test_duplicates_come_last_and_in_order():
    points = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    order = farthest_first(np.concatenate([points, points, points]), 7, 150).tolist()
    assert sorted(r % 50 for r in order[:50]) == list(range(50))
    assert order[50:] == sorted(order[50:])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_of_two_equal_rows_the_higher_comes_last_but_as_a_start(seed):
    """Equal rows lie at different edges of a product, where float32 rounds differently."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 60))
    points = rng.standard_normal((n, 32)).astype(np.float32)
    low, high, other = rng.choice(n, 3, replace=False)
    low, high = min(low, high), max(low, high)
    points[high] = points[low]
    assert farthest_first(points, int(other), n)[-1] == high
    assert farthest_first(points, int(high), n)[-1] == low


@pytest.mark.parametrize(
    ("size", "dtype"), [(1e25, "f4"), (3e38, "f4"), (1e25, "f8"), (1e308, "f8")]
)
def test_huge_features_have_the_order_of_small_ones(size, dtype):
    """Squares from row 2: row 0 has 8, and then row 3 has 1.25 and row 1 has 1."""
    points = (np.array([[1, 1], [0, -1], [-1, -1], [0, 0.5]]) * size).astype(dtype)
    assert central_row(points) == 3
    assert farthest_first(points, 2, 4).tolist() == [2, 0, 3, 1]


def test_the_central_row_is_the_nearest_to_the_mean_and_the_lowest_of_equals():
    """The mean of 0, 4, 5, 5 and 11 is 5."""
    assert central_row(np.array([[0.0], [4.0], [5.0], [5.0], [11.0]])) == 2
