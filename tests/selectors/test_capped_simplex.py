import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.selectors.capped_simplex import project


@given(st.integers(0, 2**32 - 1), st.floats(-5, 5))
@settings(max_examples=100, deadline=None)
def test_the_projection_is_the_nearest_feasible_point(seed, guess):
    """A point x of a convex set is nearest to v if no corner c is in the direction v - x: for
    shares that add up to k, `(v - x) @ c` is largest at the k largest entries of `v - x`."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    k = int(rng.integers(1, n + 1))
    values = rng.normal(scale=rng.choice([0.1, 1, 100]), size=n)
    values[rng.random(n) < 0.3] = 0.5
    found, _ = project(values, k, guess)
    assert found.min() >= 0
    assert found.max() <= 1
    assert abs(found.sum() - k) <= 1e-5 * k
    rest = values - found
    best = np.sort(rest)[-k:].sum()
    assert best <= rest @ found + 1e-4 * k * max(1, np.abs(values).max())


def test_equal_values_share_equally():
    assert np.allclose(project(np.full(5, 7.0), 2)[0], 0.4)
