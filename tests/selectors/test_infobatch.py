import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Feedback, Pool
from hf_dynsel.selectors import InfoBatch
from hf_dynsel.simulate import simulate

LOSSES = np.array([0.1, 0.2, 0.3, 0.4, 2.0, 3.0])  # their mean is 1.0
GRADIENTS = np.array([1.0, -2.0, 0.5, 4.0, 1.5, -1.0])  # their sum is 4.0


def after(losses: np.ndarray, epochs: int = 100_000, **hyperparameters: object) -> InfoBatch:
    """A selector whose first epoch ended with these losses."""
    selector = InfoBatch(**hyperparameters)
    selector.setup(Pool(len(losses)), epochs)
    rows = np.arange(len(losses))
    selector.observe(Feedback(0, rows, {"loss": losses.astype(np.float32)}))
    return selector


def dense(selector: InfoBatch, epoch: int) -> np.ndarray:
    """The weight of each sample, zero for those dropped."""
    selection = selector.select(epoch)
    weights = np.zeros(selector.pool.size)
    weights[selection.indices] = 1.0 if selection.weights is None else selection.weights
    return weights


def test_half_of_the_samples_below_the_mean_stay_with_twice_the_weight():
    selector = after(LOSSES)
    for epoch in range(1, 20):
        selection = selector.select(epoch)
        hard = selection.indices >= 4
        assert len(selection.indices) == 4
        assert selection.weights[hard].tolist() == [1.0, 1.0]
        assert selection.weights[~hard].tolist() == [2.0, 2.0]


def test_all_pairs_of_easy_samples_are_equally_likely():
    """Of 1200 epochs each of the 6 pairs gets 200, with a standard deviation of 13."""
    selector = after(LOSSES)
    drawn = [tuple(selector.select(epoch).indices[:2]) for epoch in range(1, 1201)]
    counts = [drawn.count(pair) for pair in combinations(range(4), 2)]
    assert sum(counts) == 1200
    assert np.abs(np.array(counts) - 200).max() < 5 * 13


def test_over_the_six_pairs_the_mean_gradient_is_that_of_the_whole_pool():
    """As they are equally likely, the mean over them is the expectation, and it is exact."""
    selector, by_pair = after(LOSSES), {}
    for epoch in range(1, 100):
        weights = dense(selector, epoch)
        by_pair[tuple(np.flatnonzero(weights[:4]))] = weights
    assert set(by_pair) == set(combinations(range(4), 2))
    assert np.mean([weights @ GRADIENTS for weights in by_pair.values()]) == GRADIENTS.sum() == 4.0
    assert np.mean(list(by_pair.values()), axis=0).tolist() == [1.0] * 6


def test_an_odd_number_of_easy_samples_leaves_no_bias():
    """One of three stays; with the paper's weight of 2 each would count for 2/3."""
    selector = after(np.array([0.1, 0.2, 0.3, 9.0]))
    kept = [dense(selector, epoch) for epoch in range(1, 40)]
    assert {tuple(weights) for weights in kept} == {(3, 0, 0, 1), (0, 3, 0, 1), (0, 0, 3, 1)}


@pytest.mark.parametrize(("prune", "dropped"), [(0.3, 3), (0.7, 7), (0.9, 9), (0.95, 9)])
def test_prune_is_the_share_dropped_not_the_share_kept(prune, dropped):
    """Of ten easy samples; as binary floats, 0.9 of 10 would leave none of them."""
    weights = dense(after(np.r_[np.arange(10.0), 500.0], prune=prune), 1)
    assert np.count_nonzero(weights[:10] == 0) == dropped
    assert weights[:10].max() == 10 / (10 - dropped)


@given(
    cases=st.lists(st.tuples(st.floats(0, 5), st.floats(-1, 1)), min_size=1, max_size=30),
    prune=st.floats(0.05, 0.95),
    keep=st.none() | st.floats(0.5, 1.0),
)
@settings(max_examples=30, deadline=None)
def test_the_weighted_gradient_is_on_average_the_full_one(cases, prune, keep):
    """Within 6 standard errors of the mean of 60 draws.

    `k` of `n` values with variance s, drawn without replacement and weighing n / k each, have a
    sum of variance n * (n - k) / k * s.
    """
    losses, gradients = np.array(cases).T
    prune = prune if keep is None else max(prune, 1 - keep)
    selector = after(losses, prune=prune, keep=keep)
    epochs = range(1, 61)
    drawn = np.array([dense(selector, epoch) for epoch in epochs])
    np.testing.assert_allclose(drawn.sum(1), len(losses))
    easy = (drawn != 1).any(0)
    n, k = np.count_nonzero(easy), np.count_nonzero(drawn[0][easy])
    variance = n * (n - k) / k * gradients[easy].var(ddof=1) if n > 1 else 0.0
    error = 6 * math.sqrt(variance / len(epochs))
    assert abs((drawn @ gradients).mean() - gradients.sum()) <= error + 1e-9


@pytest.mark.parametrize("loss", [1.0, 3.0, math.log(10)])
def test_equal_losses_are_not_below_their_mean(loss):
    """The mean of 50,000 times ln 10 in float32 is above ln 10."""
    selector = after(np.full(50_000, loss))
    assert len(selector.select(1).indices) == 50_000
    assert selector.select(1).weights is None


@pytest.mark.parametrize(("epochs", "full"), [(10, 2), (100, 13), (200, 25)])
def test_the_first_epoch_and_the_last_eighth_are_whole(epochs, full):
    selections = simulate(InfoBatch(), Pool(6), epochs, lambda _, rows: {"loss": LOSSES[rows]})
    pruned = [epoch for epoch, selection in enumerate(selections) if len(selection.indices) < 6]
    assert pruned == list(range(1, epochs - full))
    assert all((s.weights is None) == (len(s.indices) == 6) for s in selections)


@pytest.mark.parametrize(("delta", "pruned"), [(0.0, []), (0.7, range(1, 7)), (1.0, range(1, 10))])
def test_delta_is_the_share_of_the_run_that_prunes(delta, pruned):
    selector = after(LOSSES, epochs=10, delta=delta)
    assert [e for e in range(10) if selector.planned_size(e) is None] == list(pruned)


def test_samples_never_seen_are_neither_dropped_nor_counted_in_the_mean():
    """Rows 4 and 5 missed the first epoch; the mean of the others is 0.25."""
    selector = InfoBatch()
    selector.setup(Pool(6), 10)
    selector.observe(Feedback(0, np.arange(4), {"loss": LOSSES[:4]}))
    for epoch in range(1, 8):
        assert dense(selector, epoch)[2:].tolist() == [1.0] * 4
        assert sorted(dense(selector, epoch)[:2]) == [0.0, 2.0]


@pytest.mark.parametrize("keep", [None, 0.5])
def test_a_loss_that_is_no_number_makes_its_sample_hard(keep):
    selector = after(np.r_[np.nan, LOSSES], keep=keep, prune=0.8)
    for epoch in range(1, 20):
        assert dense(selector, epoch)[0] == 1.0


def test_a_dropped_sample_keeps_the_loss_it_had_when_last_seen():
    selector = after(LOSSES)
    selector.observe(Feedback(1, np.array([1, 4]), {"loss": np.array([7.0, 8.0])}))
    assert selector.losses.tolist() == np.float32([0.1, 7.0, 0.3, 0.4, 8.0, 3.0]).tolist()


def test_keep_makes_the_easy_samples_those_below_a_quantile():
    """700 of 1000 are dropped: 3/4 of the 934 with the smallest losses."""
    losses = np.random.default_rng(0).permutation(1000).astype(float)
    selector = after(losses, keep=0.3, prune=0.75)
    weights = dense(selector, 1)
    assert np.count_nonzero(weights) == selector.planned_size(1) == 300
    assert (weights[losses >= 934] == 1).all()
    assert set(weights[losses < 934]) == {0.0, 934 / 234}


@given(
    losses=st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=1, max_size=40),
    keep=st.floats(0.01, 1.0),
    slack=st.floats(0.0, 1.0),
)
@settings(max_examples=60, deadline=None)
def test_with_keep_the_size_is_planned_however_many_losses_are_equal(losses, keep, slack):
    prune = float(np.clip(1 - keep + slack * keep, 0.001, 0.999))
    selector = after(np.array(losses), keep=keep, prune=prune)
    selection = selector.select(1)
    assert len(selection.indices) == selector.planned_size(1) == selector.budget(keep)
    assert np.all(np.diff(selection.indices) > 0)
    total = len(losses) if selection.weights is None else selection.weights.sum()
    assert total == pytest.approx(len(losses))


@pytest.mark.parametrize(
    ("keep", "hardest"), [(0.1, 18), (0.3, 66), (0.5, 142), (0.6, 200), (0.7, 400), (1.0, 1000)]
)
def test_without_prune_the_hardest_are_always_in(keep, hardest):
    """Of 1000 samples, 700 are dropped for 0.3: 3/4 of 934, which leaves the 66 hardest.

    Up to 0.6, shares of 1 - 5/6 keep of the easy ones are dropped; beyond, half of them.
    """
    losses = np.random.default_rng(0).permutation(1000).astype(float)
    weights = dense(after(losses, keep=keep), 1)
    assert np.count_nonzero(weights) == 1000 * keep
    assert (weights == 1).sum() == hardest
    assert (weights[losses >= 1000 - hardest] == 1).all()


def test_without_prune_and_keep_half_of_the_easy_samples_are_dropped():
    for epoch in range(1, 5):
        np.testing.assert_array_equal(
            dense(after(LOSSES), epoch), dense(after(LOSSES, prune=0.5), epoch)
        )


@given(size=st.integers(1, 60), keep=st.floats(1e-6, 1.0))
@settings(max_examples=60, deadline=None)
def test_without_prune_any_keep_has_its_size_and_no_bias(size, keep):
    selector = after(np.linspace(0, 1, size), keep=keep)
    weights = dense(selector, 1)
    assert np.count_nonzero(weights) == selector.planned_size(1) == selector.budget(keep)
    assert weights.sum() == pytest.approx(size)


def test_a_restored_selector_goes_on_with_the_same_samples_and_weights():
    selector = after(LOSSES, epochs=10)
    twin = InfoBatch()
    twin.setup(Pool(6), 10)
    twin.load_state_dict(selector.state_dict())
    for epoch in range(1, 10):
        np.testing.assert_array_equal(dense(twin, epoch), dense(selector, epoch))


def test_asking_twice_gives_the_same_and_asking_does_not_change_the_losses():
    selector = after(LOSSES)
    before = selector.losses.copy()
    np.testing.assert_array_equal(dense(selector, 3), dense(selector, 3))
    np.testing.assert_array_equal(selector.losses, before)


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"prune": 0.0}, r"prune must be in \(0, 1\), got 0.0"),
        ({"prune": 1.0}, r"prune must be in \(0, 1\), got 1.0"),
        ({"prune": math.nan}, r"prune must be in \(0, 1\), got nan"),
        ({"delta": 1.5}, r"delta must be in \[0, 1\], got 1.5"),
        ({"keep": 0.0}, r"keep must be in \(0, 1\], got 0.0"),
        (
            {"keep": 0.3, "prune": 0.5},
            "keep=0.3 drops 0.7 of the pool, .* set prune to 0.7 or more, or leave it out",
        ),
    ],
)
def test_hyperparameters_out_of_range_are_refused(hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        after(LOSSES, **hyperparameters)


@pytest.mark.parametrize(("keep", "prune"), [(0.3, 0.7), (0.7, 0.3), (0.9, 0.1)])
def test_keep_and_prune_may_make_all_samples_easy(keep, prune):
    """In binary floats, 1 - 0.7 is more than 0.3."""
    weights = dense(after(np.arange(100.0), keep=keep, prune=prune), 1)
    assert set(weights) == {0.0, 1 / keep}
