import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Feedback, Pool
from hf_dynsel.selectors import SelectiveBackprop


def fed(epoch: int, rows: np.ndarray, losses: np.ndarray) -> Feedback:
    return Feedback(epoch, rows, {"loss": np.asarray(losses, dtype=np.float32)})


def after(losses: np.ndarray, **hyperparameters: object) -> SelectiveBackprop:
    """A selector whose first epoch ended with these losses."""
    selector = SelectiveBackprop(**hyperparameters)
    selector.setup(Pool(len(losses)), 5000)
    selector.observe(fed(0, np.arange(len(losses)), losses))
    return selector


def share_trained(selector: SelectiveBackprop, losses: list[float], epochs: int) -> np.ndarray:
    """How often each of the first rows is trained if it has this fresh loss in every epoch."""
    rows = np.arange(len(losses))
    weights = [selector.weigh(fed(epoch, rows, losses)) for epoch in range(1, epochs + 1)]
    return (np.array(weights) > 0).mean(0)


def test_the_first_epoch_trains_every_sample():
    selector = SelectiveBackprop()
    selector.setup(Pool(4), 3)
    assert selector.select(0).indices.tolist() == [0, 1, 2, 3]
    assert selector.weigh(fed(0, np.arange(4), np.ones(4))) is None


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_a_sample_is_trained_with_the_power_of_its_rank(beta):
    """Among the losses 1, 2, 3, 4: smaller ones count fully and equal ones by half.

    In 2500 epochs a share has a standard error of at most 0.01.
    """
    selector = after(np.array([1.0, 2.0, 3.0, 4.0]), beta=beta)
    ranks = np.array([0.0, 0.125, 0.5, 0.875, 1.0])
    found = share_trained(selector, [0.5, 1.0, 2.5, 4.0, 9.0], 2500)
    assert np.abs(found - ranks**beta).max() < 5 * 0.01
    assert (found[0], found[4]) == (0.0, 1.0)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0, 3.0])
def test_the_weights_have_a_mean_of_one_while_losses_stay_as_they_are(beta):
    """50,000 weights, 0 or 1 + beta, have a standard deviation of sqrt(beta) each."""
    losses = np.random.default_rng(0).gamma(2.0, size=50_000)
    weights = after(losses, beta=beta).weigh(fed(1, np.arange(50_000), losses))
    assert set(weights) == {0.0, 1.0 + beta}
    assert abs(weights.mean() - 1.0) < 5 * math.sqrt(beta / 50_000)


def test_of_equal_losses_half_are_trained():
    """A rank that counted equal losses fully would train all, with twice the step."""
    weights = after(np.full(10_000, 0.7)).weigh(fed(1, np.arange(10_000), np.full(10_000, 0.7)))
    assert abs((weights > 0).mean() - 0.5) < 5 * 0.005


def test_fewer_are_trained_while_losses_fall():
    losses = np.linspace(1, 2, 1000)
    weights = after(losses).weigh(fed(1, np.arange(1000), losses - 0.5))
    assert abs((weights > 0).mean() - 0.125) < 5 * 0.0105


def test_beta_zero_trains_all_with_weight_one():
    selector = after(np.array([1.0, 2.0]), beta=0.0)
    assert selector.weigh(fed(1, np.arange(2), [0.1, 9.0])).tolist() == [1.0, 1.0]


@given(seed=st.integers(0, 9), cuts=st.sets(st.integers(1, 59), max_size=6), order=st.randoms())
@settings(max_examples=30, deadline=None)
def test_weights_depend_neither_on_the_order_nor_on_the_split_into_batches(seed, cuts, order):
    losses = np.random.default_rng(seed).random(60, dtype=np.float32)
    selector = after(losses[::-1], seed=seed)
    whole = selector.weigh(fed(2, np.arange(60), losses))
    rows = np.array(order.sample(range(60), 60))
    parts = [selector.weigh(fed(2, part, losses[part])) for part in np.split(rows, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(parts), whole[rows])


def test_another_epoch_or_seed_trains_others():
    losses = np.arange(200.0)
    rows = np.arange(200)
    one, other = after(losses), after(losses, seed=1)
    drawn = [one.weigh(fed(1, rows, losses)), one.weigh(fed(2, rows, losses))]
    drawn.append(other.weigh(fed(1, rows, losses)))
    assert len({tuple(weights) for weights in drawn}) == 3


def test_weighing_changes_no_state():
    selector = after(np.arange(10.0))
    before = {name: array.copy() for name, array in selector.state_dict().items()}
    first = selector.weigh(fed(1, np.arange(10), np.arange(10.0)))
    np.testing.assert_array_equal(selector.weigh(fed(1, np.arange(10), np.arange(10.0))), first)
    np.testing.assert_equal(selector.state_dict(), before)


def test_a_selector_restored_after_it_weighed_goes_on_as_the_saved_one():
    """Nothing that `weigh` may have kept from before the restore is used."""
    rows, losses = np.arange(50), np.linspace(0, 1, 50)
    saved, other = after(losses), after(losses + 10)
    expected = saved.weigh(fed(3, rows, losses))
    assert not np.array_equal(other.weigh(fed(3, rows, losses)), expected)
    other.load_state_dict(saved.state_dict())
    np.testing.assert_array_equal(other.weigh(fed(3, rows, losses)), expected)


def test_losses_of_an_epoch_count_from_the_next_one_on():
    selector = after(np.array([1.0, 1.0, 1.0, 1.0]))
    selector.observe(fed(1, np.array([2, 3]), [5.0, 6.0]))
    assert selector.losses.tolist() == [1.0, 1.0, 5.0, 6.0]
    assert selector.ranked.tolist() == [1.0, 1.0, 5.0, 6.0]


def test_samples_never_seen_do_not_count_in_the_rank():
    """Rows 2 and 3 missed the first epoch, and one had no number: a loss of 9 ranks highest."""
    selector = SelectiveBackprop()
    selector.setup(Pool(5), 100)
    selector.observe(fed(0, np.array([0, 1, 4]), [1.0, 2.0, math.nan]))
    assert share_trained(selector, [0.5, 9.0], 50).tolist() == [0.0, 1.0]


def test_weighing_a_batch_does_not_copy_the_pool():
    """A float64 looked up in the float32 losses would convert all of them: 8 MB per batch."""
    losses = np.linspace(0, 1, 1_000_000)
    selector, batch = after(losses), fed(1, np.arange(8), losses[:8])
    tracemalloc.start()
    selector.weigh(batch)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize("beta", [-1.0, math.inf, math.nan])
def test_a_beta_out_of_range_is_refused(beta):
    with pytest.raises(ValueError, match=f"beta must be finite and not negative, got {beta}"):
        SelectiveBackprop(beta=beta).setup(Pool(1), 1)
