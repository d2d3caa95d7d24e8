import numpy as np
import pytest

from hf_dynsel.core import Feedback, Pool
from hf_dynsel.selectors.ucb import UCB


def taught(*epochs, **settings):
    selector = UCB(**settings)
    selector.setup(Pool(4), 10)
    for epoch, losses in enumerate(epochs):
        selector.observe(Feedback(epoch, np.arange(4), {"loss": np.array(losses)}))
    return selector


def test_the_variance_takes_the_distance_from_the_average_before_it_moves():
    """First 0.8 * 2² = 3.2; then 0.2 * 3.2 + 0.8 * (1 - 1.6)² = 0.928."""
    once = taught([2.0, 1.0, 0.5, 0.1])
    np.testing.assert_allclose(once.variance, [3.2, 0.8, 0.2, 0.008])
    np.testing.assert_allclose(once.ranked, [4.8, 1.6, 0.6, 0.088])
    twice = taught([2.0, 1.0, 0.5, 0.1], [1.0, 1.2, 0.5, 0.9], keep=0.5)
    np.testing.assert_allclose(twice.variance, [0.928, 0.288, 0.048, 0.53952])
    np.testing.assert_allclose(twice.ranked, [2.048, 1.408, 0.528, 1.27552])
    assert twice.select(2).indices.tolist() == [0, 1]


def test_c_weighs_the_variance():
    """Averages 1.12, 1.12, 0.48, 0.736: with a large c the third place goes by variance alone."""
    epochs = [2.0, 1.0, 0.5, 0.1], [1.0, 1.2, 0.5, 0.9]
    assert taught(*epochs, keep=0.5, c=0.0).select(2).indices.tolist() == [0, 1]
    assert taught(*epochs, keep=0.5, c=10.0).select(2).indices.tolist() == [0, 3]


def test_a_negative_c_is_refused():
    with pytest.raises(ValueError, match="c must be finite and not negative, got -1.0"):
        UCB(c=-1.0).setup(Pool(4), 3)
