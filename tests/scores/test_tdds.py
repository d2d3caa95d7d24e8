"""TDDS: worked numbers, the windows written out, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.scores.tdds import TDDS, movement
from score_kit import finished, look


def literal(probabilities, window, decay):
    """Every window of the looks by itself, and the sum over windows."""
    moved = []
    for before, after in zip(probabilities, probabilities[1:], strict=False):
        terms = after * (np.log(after + 1e-8) - np.log(before + 1e-8))
        moved.append(np.abs(terms).sum(axis=1))
    total, last = 0.0, len(probabilities) - window
    for start in range(last + 1):
        inside = np.array(moved[start : start + window - 1])
        length = np.sqrt(((inside - inside.mean(axis=0)) ** 2).sum(axis=0))
        total = total + decay * (1 - decay) ** (last - start) * length
    return total


@given(
    seed=st.integers(0, 2**32 - 1),
    looks=st.integers(3, 9),
    window=st.integers(3, 6),
    decay=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
)
def test_scores_are_those_of_all_windows_written_out(seed, looks, window, decay):
    rng = np.random.default_rng(seed)
    seen = rng.dirichlet(np.ones(3), size=(looks, 4)).astype(np.float32)
    reports = [look(epoch, probabilities=given) for epoch, given in enumerate(seen, start=1)]
    found = finished(TDDS(window=window, decay=decay), 4, reports)
    expected = literal(seen.astype(np.float64), min(window, looks), decay)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_worked_movement():
    """From (1/2, 1/2) to (3/4, 1/4): 3/4 ln 3/2 = .304099, and 1/4 ln 1/2 = -.173287."""
    moved = movement(np.array([[0.5, 0.5]]), np.array([[0.75, 0.25]]))
    assert moved.tolist() == pytest.approx([0.304099 + 0.173287], abs=1e-6)


def test_what_moves_unsteadily_scores_above_what_stays_or_moves_on_and_on():
    still = [0.5] * 6
    unsteady = [0.5, 0.5, 0.9, 0.9, 0.1, 0.1]
    seen = np.stack([[[p, 1 - p] for p in pair] for pair in zip(still, unsteady, strict=True)])
    reports = [look(epoch, probabilities=given) for epoch, given in enumerate(seen, start=1)]
    values = finished(TDDS(window=4), 2, reports)
    assert values[0] == 0 < values[1]


def test_it_looks_after_every_epoch_of_its_part_of_the_run():
    assert TDDS().looks(5) == (1, 2, 3, 4, 5)
    assert TDDS(until=0.15).looks(200) == tuple(range(1, 31))
    with pytest.raises(
        ValueError, match="needs at least 3 epochs to look at, and has 2: until=0.1"
    ):
        TDDS(until=0.1).looks(20)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 2}, "window must be at least 3 epochs, got 2"),
        ({"decay": 0.0}, r"decay must be in \(0, 1\], got 0.0"),
        ({"until": 1.5}, r"until must be in \(0, 1\], got 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TDDS(**settings)
