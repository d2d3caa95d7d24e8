import math
from itertools import permutations

import numpy as np
import pytest

from hf_dynsel.core import Feedback, Pool
from hf_dynsel.selectors.rcap import RCAP
from hf_dynsel.simulate import simulate

TWO = np.array([0] * 90 + [1] * 10)


def after(losses, labels, **settings):
    """A selector whose first epoch reported these losses of all rows."""
    selector = RCAP(**settings)
    selector.setup(Pool(len(labels), labels=np.asarray(labels)), 100_000)
    rows = np.arange(len(losses))
    selector.observe(Feedback(0, rows, {"loss": np.asarray(losses, dtype=np.float32)}))
    return selector


def per_class(selector, epoch):
    return np.bincount(selector.pool.labels[selector.select(epoch).indices]).tolist()


def test_the_first_epoch_has_more_of_the_rare_class_than_the_pool():
    selector = RCAP(keep=0.2)
    selector.setup(Pool(100, labels=TWO), 5)
    assert per_class(selector, 0) == [15, 5]


def test_a_used_up_class_leaves_the_budget_exact():
    selector = RCAP(keep=0.5)
    selector.setup(Pool(100, labels=TWO), 5)
    assert per_class(selector, 0) == [40, 10]


@pytest.mark.parametrize("signal", ["loss", "released"])
@pytest.mark.parametrize("keep", [0.01, 0.29, 0.5, 0.93])
def test_every_epoch_has_the_budget(signal, keep):
    labels = np.repeat(np.arange(4), [1, 9, 30, 60])
    learner = lambda epoch, rows: {"loss": np.cos(rows * 1.7 + epoch) ** 2}  # noqa: E731
    selector = RCAP(keep=keep, signal=signal)
    for selection in simulate(selector, Pool(100, labels=labels), 6, learner):
        assert len(selection.indices) == selector.budget(keep)


def test_odds_are_those_of_the_clipped_loss():
    """Losses 0, 1, 2, 9 clip to 0, ln 2, ln 2, ln 2; the odds of the first are 1 to sqrt(2).

    One of the four is drawn 1500 times: standard deviations are at most 18.
    """
    selector = after([0.0, 1.0, 2.0, 9.0, 5.0], [0, 0, 0, 0, 1], keep=0.4)
    assert selector.losses[:4].tolist() == pytest.approx([0] + [math.log(2)] * 3)
    assert selector.quotas().tolist() == [1, 1]
    drawn = [int(selector.select(epoch).indices[0]) for epoch in range(1, 1501)]
    expected = np.array([0.190744, 0.269752, 0.269752, 0.269752])
    assert np.abs(np.bincount(drawn) - 1500 * expected).max() < 5 * 18


def successive(odds, count):
    """The probability of each set when one after another is drawn by what is left of the odds."""
    found = {}
    for order in permutations(range(len(odds)), count):
        chance, left = 1.0, sum(odds)
        for i in order:
            chance *= odds[i] / left
            left -= odds[i]
        found[frozenset(order)] = found.get(frozenset(order), 0.0) + chance
    return found


def test_sets_are_as_likely_as_when_drawn_one_after_another():
    """Three of five, 1500 times; no set is more likely than 0.35, a deviation of 19."""
    losses = np.log([1.0, 2.0, 3.0, 4.0, 5.0])
    labels = [0] * 5 + list(range(1, 6))  # six classes, so that ln 6 clips nothing
    selector = after(np.r_[losses, np.zeros(5)], labels, keep=0.3, beta=1.0)
    assert selector.quotas().tolist() == [3, 0, 0, 0, 0, 0]
    drawn = [frozenset(selector.select(epoch).indices.tolist()) for epoch in range(1, 1501)]
    for rows, chance in successive([1.0, 2.0, 3.0, 4.0, 5.0], 3).items():
        assert chance < 0.35
        assert abs(drawn.count(rows) - 1500 * chance) < 5 * 19


def test_a_class_of_higher_loss_gets_more():
    """Means 0.16 and 0.64 of equal classes: roots as 1 to 2."""
    selector = after([0.16] * 30 + [0.64] * 30, [0] * 30 + [1] * 30, keep=0.5)
    assert per_class(selector, 1) == [10, 20]


def test_the_released_signal_is_the_share_of_odds_in_the_last_epoch():
    """Of equal classes with equal losses, half of one and an eighth of the other were trained."""
    labels = np.repeat([0, 1], 16)
    selector = RCAP(keep=0.5, signal="released")
    selector.setup(Pool(32, labels=labels), 5)
    assert per_class(selector, 0) == [8, 8]
    rows = np.r_[np.arange(8), [16, 17]]
    selector.observe(Feedback(0, rows, {"loss": np.full(10, 9.0)}))
    assert selector.quotas().tolist() == [11, 5]  # roots of 1/2 and 1/8 are as 2 to 1


def test_with_the_released_signal_a_class_left_out_counts_as_at_the_start():
    labels = np.repeat([0, 1], 16)
    selector = RCAP(keep=0.5, signal="released")
    selector.setup(Pool(32, labels=labels), 5)
    selector.observe(Feedback(0, np.arange(4), {"loss": np.full(4, 9.0)}))
    assert selector.quotas().tolist() == [5, 11]  # roots of 1/4 and 1


def test_a_small_temperature_is_no_overflow():
    selector = after([0.0, 0.6, 0.3, 0.6], [0, 0, 1, 1], keep=0.5, beta=1e-4, signal="released")
    assert selector.select(1).indices.tolist() == [1, 3]


def test_a_dropped_sample_keeps_its_loss_and_nan_counts_as_never_seen():
    selector = after([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1])
    selector.observe(Feedback(1, np.array([1, 2]), {"loss": np.array([np.nan, -3.0])}))
    assert selector.losses.tolist() == pytest.approx([0.1, math.log(2), 0.0, 0.4])


def test_a_single_class_is_drawn_uniformly_whatever_its_losses():
    """Each of 10 rows is expected 240 times in 800 draws of 3, with a deviation of 13."""
    selector = after(np.arange(10.0), [0] * 10, keep=0.3)
    drawn = np.concatenate([selector.select(epoch).indices for epoch in range(1, 801)])
    assert np.abs(np.bincount(drawn) - 240).max() < 5 * 13


def test_a_pool_without_labels_is_refused():
    with pytest.raises(ValueError, match="RCAP splits its budget over classes, .* has no labels"):
        RCAP().setup(Pool(4), 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beta": 0.0}, "beta must be finite and above 0, got 0.0"),
        ({"beta": math.inf}, "beta must be finite and above 0, got inf"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RCAP(**settings).setup(Pool(4, labels=np.zeros(4, int)), 3)
