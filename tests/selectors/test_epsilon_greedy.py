import numpy as np
import pytest

from hf_dynsel.core import Feedback, Pool
from hf_dynsel.selectors.epsilon_greedy import EpsilonGreedy


def after(losses, **settings):
    selector = EpsilonGreedy(**settings)
    selector.setup(Pool(len(losses)), 100_000)
    selector.observe(Feedback(0, np.arange(len(losses)), {"loss": np.array(losses)}))
    return selector


def test_half_greedy_takes_the_largest_and_one_of_the_others_at_random():
    """Of 900 epochs each of the three others gets 300, with a standard deviation of 14."""
    selector = after([2.0, 1.0, 0.5, 0.1], keep=0.5, epsilon=0.5)
    drawn = np.array([selector.select(epoch).indices for epoch in range(1, 901)])
    assert (drawn[:, 0] == 0).all()
    counts = np.bincount(drawn[:, 1], minlength=4)
    assert counts[0] == 0
    assert np.abs(counts[1:] - 300).max() < 5 * 14


def test_the_random_part_is_rounded_down_as_on_decimals():
    """0.29 of 100 is 29; in binary floats it would be 28."""
    selector = after(np.arange(200.0), keep=0.5, epsilon=0.29)
    chosen = selector.select(1).indices
    assert len(chosen) == 100
    np.testing.assert_array_equal(chosen[-71:], np.arange(129, 200))
    assert (chosen[:29] < 129).all()


def test_epsilon_of_zero_is_greedy_and_of_one_is_random():
    losses = np.arange(50.0)
    greedy = [after(losses, seed=seed, keep=0.1, epsilon=0.0).select(1).indices for seed in (0, 1)]
    np.testing.assert_array_equal(greedy, [np.arange(45, 50)] * 2)
    selector = after(losses, keep=0.1, epsilon=1.0)
    drawn = np.concatenate([selector.select(epoch).indices for epoch in range(1, 101)])
    assert np.bincount(drawn, minlength=50).max() < 30


def test_epsilon_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"epsilon must be in \[0, 1\], got 1.5"):
        EpsilonGreedy(epsilon=1.5).setup(Pool(4), 3)
