import numpy as np
import pytest

from hf_dynsel.core import Pool
from hf_dynsel.selectors.clip_powered import ClipPowered, over_mean
from hf_dynsel.simulate import simulate


def choose(agreement, spread, **settings):
    columns = {"consistency": np.asarray(agreement), "class_spread": np.asarray(spread)}
    return simulate(ClipPowered(**settings), Pool(len(agreement), columns), 1)[0].indices.tolist()


def test_the_sum_is_of_scores_over_their_mean():
    """Agreement [0, .5, 1] has the mean .5, and spread [1, 0, .2] has .4: sums .25, 1, 2.05.

    With a weight of one they are 2.5, 1 and 2.5, and the lower row wins.
    """
    assert choose([0, 0.5, 1], [1, 0, 0.2], keep=0.67) == [1, 2]
    assert choose([0, 0.5, 1], [1, 0, 0.2], keep=0.67, weight=1.0) == [0, 2]
    assert choose([0, 0.5, 1], [1, 0, 0.2], keep=0.34, weight=1.0) == [0]


def test_units_of_the_columns_do_not_matter():
    rng = np.random.default_rng(0)
    agreement, spread = rng.random(50), rng.random(50)
    assert choose(agreement, spread) == choose(20 * agreement - 3, 0.1 * spread + 7)


def test_a_score_that_is_the_same_for_all_counts_for_nothing():
    values = np.array([3.0, 1.0, 2.0])
    assert choose(values, np.full(3, 0.7), keep=0.34) == [0]
    assert choose(np.zeros(3), values, keep=0.34) == [0]
    assert choose(np.zeros(3), np.zeros(3), keep=0.67) == [0, 1]


def descended(agreement, spread, budget):
    """The released optimiser, literally: one number per sample and a gate that is a sigmoid.

    The loss is minus the mean of gate * agreement and a tenth of that of gate * spread, and twice
    the distance of the number of open gates from the budget, over the pool's size. The gate counts
    as open above 1/2, with the sigmoid's gradient. SGD with momentum, until the last is small.
    """
    size = len(agreement)
    numbers, velocity = np.full(size, 0.01), np.zeros(size)
    pull = agreement / agreement.mean() + 0.1 * spread / spread.mean()
    for _ in range(100_000):
        gate = 1 / (1 + np.exp(-100 * numbers))
        excess = int((gate > 0.5).sum()) - budget
        if 2 * abs(excess) / size < 0.001:
            break
        gradient = 100 * gate * (1 - gate) * (2 * np.sign(excess) - pull) / size
        velocity = 0.9 * velocity + gradient
        numbers -= 0.001 * velocity
    return np.flatnonzero(gate > 0.5).tolist()


@pytest.mark.parametrize("keep", [0.9, 0.7, 0.3])
def test_it_is_what_the_released_optimiser_finds_but_of_exact_size(keep):
    """The optimiser stops within 0.05 % of the budget, here one or two of 4000."""
    rng = np.random.default_rng(3)
    scores = [rng.normal(0.6, 0.1, 4000), rng.gamma(5.0, 1.0, 4000)]
    agreement, spread = ((s - s.min()) / np.ptp(s) for s in scores)
    found = descended(agreement, spread, int(4000 * keep))
    assert abs(len(found) - 4000 * keep) <= 2
    assert choose(*scores, keep=len(found) / 4000) == found


def test_a_scaled_score_has_the_mean_one():
    assert over_mean(np.array([2.0, 3.0, 7.0])).mean() == pytest.approx(1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weight": -0.1}, "weight must be finite and not negative, got -0.1"),
        ({"diversity": "spread"}, "no score column 'spread'"),
        ({"consistency": "clip"}, "no score column 'clip'"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        choose([1.0, 2.0], [1.0, 2.0], **settings)
