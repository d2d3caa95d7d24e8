"""What epsilon-greedy and UCB share: the average, its start, and when they rank anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Feedback, Pool
from hf_dynsel.selectors.epsilon_greedy import EpsilonGreedy
from hf_dynsel.selectors.ucb import UCB
from hf_dynsel.simulate import simulate

both = pytest.mark.parametrize("cls", [EpsilonGreedy, UCB], ids=lambda cls: cls.__name__)
FIRST, SECOND = np.array([2.0, 1.0, 0.5, 0.1]), np.array([1.0, 1.2, 0.5, 0.9])


def taught(selector, *epochs, size=4):
    """A selector after epochs that reported these losses of the first rows."""
    selector.setup(Pool(size), 100)
    for epoch, losses in enumerate(epochs):
        selector.observe(Feedback(epoch, np.arange(len(losses)), {"loss": losses}))
    return selector


@both
def test_the_average_of_two_epochs_starts_from_zero(cls):
    """0.8 of 2 is 1.6, and 0.2 of that and 0.8 of 1 is 1.12."""
    np.testing.assert_allclose(taught(cls(keep=0.5), FIRST).mean, [1.6, 0.8, 0.4, 0.08])
    selector = taught(cls(keep=0.5), FIRST, SECOND)
    np.testing.assert_allclose(selector.mean, [1.12, 1.12, 0.48, 0.736])


@both
def test_the_first_epoch_is_whole_and_the_others_have_the_budget(cls):
    runs = simulate(cls(keep=0.3), Pool(11), 5, lambda _, rows: {"loss": rows + 1.0})
    assert [len(selection.indices) for selection in runs] == [11, 3, 3, 3, 3]


@both
def test_a_sample_that_is_not_selected_keeps_its_average(cls):
    selector = taught(cls(keep=0.5), FIRST)
    selector.observe(Feedback(1, np.array([0, 2]), {"loss": np.array([9.0, 9.0])}))
    assert selector.mean[[1, 3]].tolist() == pytest.approx([0.8, 0.08])


@pytest.mark.parametrize("selector", [EpsilonGreedy(keep=0.5, epsilon=0), UCB(keep=0.5)], ids=str)
def test_a_sample_comes_back_when_others_have_fallen_below_it(selector):
    taught(selector, FIRST)
    assert selector.select(1).indices.tolist() == [0, 1]
    for epoch in range(1, 6):  # the old variance of UCB fades, too
        selector.observe(Feedback(epoch, np.array([0, 1]), {"loss": np.array([0.01, 0.01])}))
    assert selector.select(6).indices.tolist() == [2, 3]


@pytest.mark.parametrize("selector", [EpsilonGreedy(keep=0.4, epsilon=0), UCB(keep=0.4)], ids=str)
def test_samples_never_seen_and_losses_that_are_no_numbers_come_first(selector):
    """Row 4 was not in the first epoch, as when the last batch is dropped."""
    losses = np.array([8.0, np.nan, 9.0, 7.0])
    assert taught(selector, losses, size=5).select(1).indices.tolist() == [1, 4]


@both
def test_a_later_loss_that_is_no_number_changes_nothing(cls):
    selector = taught(cls(), FIRST, np.array([np.nan, np.inf, -np.inf, 0.9]))
    np.testing.assert_allclose(selector.mean, [1.6, 0.8, 0.4, 0.736])
    assert np.isfinite(selector.ranked).all()


@both
def test_a_ranking_holds_for_the_epochs_asked_for(cls):
    """With 3 epochs from one to the next, epochs 1, 4 and 7 are the first of a new one."""
    rng = np.random.default_rng(0)
    selector = cls(keep=0.3, every=3)
    runs = simulate(selector, Pool(40), 10, lambda _, rows: {"loss": rng.random(len(rows))})
    rows = [tuple(selection.indices) for selection in runs[1:]]
    assert [len(set(rows[i : i + 3])) for i in (0, 3, 6)] == [1, 1, 1]
    assert len(set(rows)) == 3


@both
def test_a_run_resumed_within_a_ranking_keeps_its_subset(cls):
    selector = taught(cls(keep=0.5, every=3), FIRST, SECOND)
    twin = cls(keep=0.5, every=3)
    twin.setup(Pool(4), 100)
    twin.load_state_dict({name: a.copy() for name, a in selector.state_dict().items()})
    for epoch in range(2, 6):
        rows = selector.select(epoch).indices
        np.testing.assert_array_equal(twin.select(epoch).indices, rows)
        for each in (selector, twin):
            each.observe(Feedback(epoch, rows, {"loss": SECOND[rows] + epoch}))


@given(
    losses=st.lists(
        st.lists(st.floats(0, 9, width=32), min_size=6, max_size=6), min_size=1, max_size=5
    ),
    alpha=st.floats(0.05, 1),
    budget=st.integers(1, 6),
)
@settings(max_examples=40, deadline=None)
def test_both_agree_with_a_loop_over_samples(losses, alpha, budget):
    """The literal update, sample by sample, of the rows that the literal ranking selects."""
    for c, selector in ((0.0, EpsilonGreedy(epsilon=0.0)), (0.7, UCB(c=0.7))):
        selector.keep, selector.alpha = budget / 6, alpha
        selector.setup(Pool(6), len(losses) + 1)
        mean, variance, rows = [0.0] * 6, [0.0] * 6, list(range(6))
        for epoch, reported in enumerate(losses):
            assert selector.select(epoch).indices.tolist() == rows
            selector.observe(Feedback(epoch, np.array(rows), {"loss": np.array(reported)[rows]}))
            for i in rows:
                gap = reported[i] - mean[i]
                variance[i] += alpha * (gap**2 - variance[i])
                mean[i] += alpha * gap
            values = [m + c * v for m, v in zip(mean, variance, strict=True)]
            rows = sorted(sorted(range(6), key=lambda i: (-values[i], i))[:budget])  # noqa: B023
        assert selector.select(len(losses)).indices.tolist() == rows


@both
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 0.0}, r"alpha must be in \(0, 1\], got 0.0"),
        ({"alpha": 1.1}, r"alpha must be in \(0, 1\], got 1.1"),
        ({"every": 0}, "every must be a whole number of at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(cls, settings, message):
    with pytest.raises(ValueError, match=message):
        cls(**settings).setup(Pool(4), 3)
