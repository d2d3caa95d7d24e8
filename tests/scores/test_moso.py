"""MoSo: worked numbers, written-out gradients, and when it looks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.scores import moso
from hf_dynsel.scores.moso import MoSo, gain_of_others
from score_kit import finished, look

X, Y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 0.0])


def test_worked_numbers():
    """E23: squared loss of one weight, no intercept; 50 steps of 0.02 from zero.

    The estimator is T/N, 50/4, times the mean over the steps.
    """
    weight, gains = 0.0, []
    for _ in range(50):
        error = -2 * (Y - weight * X)
        gains.append(0.02 * gain_of_others(X[:, None], error[:, None], bias=False))
        weight -= 0.02 * (error * X).mean()
    expected = [0.142606, -0.734257, -6.544627, -17.791163]
    np.testing.assert_allclose(50 / 4 * np.mean(gains, axis=0), expected, atol=1e-6)


def test_the_others_are_multiplied_with_and_not_the_difference_to_the_mean():
    """E23 at weight 0.3: gradients -1.4, -5.6, -12.6, 9.6; older code ranks 2, 1, 0, 3."""
    error = -2 * (Y - 0.3 * X)
    gains = gain_of_others(X[:, None], error[:, None], bias=False)
    assert np.argsort(-gains).tolist() == [1, 0, 2, 3]
    np.testing.assert_allclose(gains * 3 / 4, [3.01, 6.16, -8.19, -47.04])


def written_out(features, error, bias):
    inputs = np.column_stack([features, np.ones(len(features))]) if bias else features
    gradients = np.stack([np.outer(e, h).ravel() for e, h in zip(error, inputs, strict=True)])
    others = (gradients.sum(axis=0) - gradients) / (len(gradients) - 1)
    return (others * gradients).sum(axis=1)


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(2, 9),
    width=st.integers(1, 4),
    classes=st.integers(1, 4),
    bias=st.booleans(),
)
def test_gains_are_those_of_written_out_gradients(seed, size, width, classes, bias):
    rng = np.random.default_rng(seed)
    features, error = rng.normal(size=(size, width)), rng.normal(size=(size, classes))
    found = gain_of_others(features, error, bias)
    np.testing.assert_allclose(found, written_out(features, error, bias), rtol=1e-9, atol=1e-9)


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    features, error = rng.normal(size=(11, 3)), rng.normal(size=(11, 2))
    whole = gain_of_others(features, error)
    monkeypatch.setattr(moso, "CHUNK", 4)
    np.testing.assert_allclose(gain_of_others(features, error), whole, rtol=1e-12)


def test_a_sample_that_works_against_the_others_is_below_zero():
    """Three samples pull one way and the last the other: gradients 1, 1, 1, -1."""
    gains = gain_of_others(np.ones((4, 1)), np.array([[1.0], [1], [1], [-1]]), bias=False)
    np.testing.assert_allclose(gains, [1 / 3, 1 / 3, 1 / 3, -1])


@pytest.mark.parametrize(
    ("checkpoints", "epochs", "looks"),
    [
        (10, 3, (1, 2, 3)),
        (10, 100, tuple(range(10, 101, 10))),
        (3, 10, (4, 7, 10)),
        (1, 50, (50,)),
        (4, 4, (1, 2, 3, 4)),
    ],
)
def test_looks_are_spread_over_the_run(checkpoints, epochs, looks):
    assert MoSo(checkpoints=checkpoints).looks(epochs) == looks


def test_looks_count_as_much_as_their_learning_rates():
    """Gradients 1 and 1, then 2 and 3: gains 1 and 6, of the rates 0.5 and 0.1; their mean."""
    looks = [
        look(1, features=np.ones((2, 1)), error=np.array([[0.5], [0.5]])),
        look(2, features=np.ones((2, 1)), error=np.array([[1.0], [1.5]])),
    ]
    even = finished(MoSo(), 2, looks)
    np.testing.assert_allclose(even, [(0.5 + 3) / 2] * 2)
    rated = finished(MoSo(checkpoints=2, learning_rates=(0.5, 0.1)), 2, looks)
    np.testing.assert_allclose(rated, [(0.5 * 0.5 + 0.1 * 3) / 2] * 2)


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="checkpoints must be at least 1 look, got 0"):
        MoSo(checkpoints=0)
    with pytest.raises(ValueError, match="looks after 2, 4 of 4 epochs and was given 3 learning_r"):
        MoSo(checkpoints=2, learning_rates=(0.1, 0.1, 0.1)).looks(4)
