"""Which rows are the nearest: by distance, and where that ties, by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.scores.neighbors import nearest, search


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_exact_ids_are_those_of_the_sorted_table_on_a_grid_full_of_ties(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 100)), int(rng.integers(1, 4))
    k = int(rng.integers(1, n))
    points = rng.integers(-3, 4, (n, d))
    table = ((points[:, None] - points[None]) ** 2).sum(-1)
    np.fill_diagonal(table, 10**6)
    distances, ids = nearest(points.astype(np.float32), k, "exact")
    assert ids.tolist() == np.argsort(table, axis=1, kind="stable")[:, :k].tolist()
    assert np.allclose(distances**2, np.take_along_axis(table, ids, 1))


@pytest.mark.parametrize("backend", ["exact", "hnsw"])
def test_distances_are_those_of_the_search_and_of_the_rows_named(backend):
    points = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
    distances, ids = nearest(points, 5, backend)
    assert np.array_equal(distances, search(points, 5, backend).distances)
    assert np.allclose(distances, np.linalg.norm(points[:, None] - points[ids], axis=-1))
    assert not (ids == np.arange(300)[:, None]).any()


def test_hnsw_orders_equals_by_row():
    """Five rows at 0 and one at 1."""
    ids = nearest(np.array([[0.0], [0.0], [1.0], [0.0], [0.0], [0.0]]), 3, "hnsw")[1]
    assert (np.diff(ids, axis=1) > 0).all()


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="5 neighbors of each sample need at least 6 samples"):
        nearest(np.zeros((5, 2)), 5)
