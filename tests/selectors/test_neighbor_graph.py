import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.selectors.neighbor_graph import neighbor_graph


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_two_rows_are_joined_if_either_is_among_the_nearest_of_the_other(seed):
    """On a grid full of ties and duplicates, whose distance of zero is stored."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 40)), int(rng.integers(1, 8))
    points = rng.integers(-2, 3, (n, 2)).astype(np.float32)
    table = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(table, np.inf)
    joined = np.zeros((n, n), bool)
    nearest = np.argsort(table, axis=1, kind="stable")[:, : min(k, n - 1)]
    np.put_along_axis(joined, nearest, True, axis=1)
    joined |= joined.T
    graph = neighbor_graph(points, k)
    rows = np.repeat(np.arange(n), np.diff(graph.indptr))
    assert list(zip(rows, graph.indices, strict=True)) == list(zip(*joined.nonzero(), strict=True))
    assert np.allclose(graph.data, table[joined])


def test_it_is_sparse_and_takes_little_memory():
    """5,000 rows of 5 neighbours: at most 10 entries of 8 bytes each, and the row starts."""
    points = np.random.default_rng(0).standard_normal((5000, 3)).astype(np.float32)
    graph = neighbor_graph(points, 5)
    assert graph.data.nbytes + graph.indices.nbytes + graph.indptr.nbytes <= 5001 * 84
