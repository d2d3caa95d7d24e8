import numpy as np
import pytest

from hf_dynsel.core import Feedback, Pool
from hf_dynsel.selectors.seta import SeTa
from hf_dynsel.simulate import simulate

TENS = np.repeat(np.arange(10.0), 10)  # ten groups of ten equal losses


def run(losses, epochs=16, **settings):
    """The rows of each epoch, with losses that stay as they are."""
    learner = lambda _, rows: {"loss": losses[rows]}  # noqa: E731
    selections = simulate(SeTa(**settings), Pool(len(losses)), epochs, learner)
    return [selection.indices for selection in selections]


def test_the_window_slides_from_easy_to_hard_and_starts_again():
    """Of ten groups five are in the window, so that there are six places for it."""
    rows = run(TENS, keep=0.3)
    lowest = [int(TENS[chosen].min()) for chosen in rows[1:14]]
    assert lowest == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0]
    assert all(np.ptp(TENS[chosen]) <= 4 for chosen in rows[1:14])


def test_the_first_epoch_is_whole_and_all_others_have_the_budget():
    assert [len(chosen) for chosen in run(TENS, keep=0.3)] == [100] + [30] * 15


def test_the_last_epochs_draw_from_the_whole_pool():
    """An eighth of 16 epochs."""
    rows = run(TENS, keep=0.5)
    assert [np.ptp(TENS[chosen]) > 4 for chosen in rows] == [True] + [False] * 13 + [True] * 2


def test_a_budget_as_large_as_the_window_takes_all_of_it():
    assert run(TENS, keep=0.5)[2].tolist() == list(range(10, 60))


def test_where_the_window_has_too_few_the_nearest_groups_give_the_rest():
    """Of 70, 50 are in the window of groups 2 to 6, and 10 each in groups 1 and 7."""
    chosen = run(TENS, keep=0.7)[3]
    assert np.bincount(TENS[chosen].astype(int)).tolist() == [0] + [10] * 7
    few = run(TENS, keep=0.6)[3]
    counts = np.bincount(TENS[few].astype(int), minlength=10)
    assert counts[2:7].tolist() == [10] * 5
    assert counts[1] + counts[7] == 10


def test_within_the_window_every_row_is_as_likely():
    """Rows of the window are in 2 of 5 draws: of 600, 240 with a deviation of 12."""
    selector = SeTa(keep=0.2, delta=1.0)
    selector.setup(Pool(100), 10_000)
    selector.observe(Feedback(0, np.arange(100), {"loss": TENS}))
    drawn = np.concatenate([selector.select(1 + 6 * i).indices for i in range(600)])
    counts = np.bincount(drawn, minlength=100)
    assert np.abs(counts[:50] - 240).max() < 5 * 12
    assert not counts[50:].any()


def test_samples_never_seen_are_among_the_hardest():
    """Rows 6 to 8 missed the first epoch; groups 0.1, 2.0 and 5.0, and a window of one."""
    selector = SeTa(keep=0.3, groups=3, window=0.4)
    selector.setup(Pool(9), 100)
    losses = np.array([0.1, 0.1, 2.0, 2.0, 5.0, np.nan])
    selector.observe(Feedback(0, np.arange(6), {"loss": losses}))
    assert set(selector.select(1).indices) == {0, 1}
    assert set(selector.select(2).indices) == {2, 3}
    hardest = {row for i in range(25) for row in selector.select(3 + 3 * i).indices}
    assert hardest == {4, 5, 6, 7, 8}


def test_equal_losses_make_every_epoch_a_uniform_draw():
    rows = run(np.ones(20), epochs=40, keep=0.5)
    assert set(np.concatenate(rows[1:])) == set(range(20))
    assert len({tuple(chosen) for chosen in rows[1:]}) > 30


def test_a_dropped_sample_keeps_the_loss_it_had_when_last_seen():
    selector = SeTa()
    selector.setup(Pool(3), 5)
    selector.observe(Feedback(0, np.arange(3), {"loss": np.array([1.0, 2.0, 3.0])}))
    selector.observe(Feedback(1, np.array([1]), {"loss": np.array([9.0])}))
    assert selector.losses.tolist() == [1.0, 9.0, 3.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"groups": 0}, "groups must be a whole number of at least 1, got 0"),
        ({"window": 1.5}, r"window must be in \[0, 1\], got 1.5"),
        ({"delta": -0.1}, r"delta must be in \[0, 1\], got -0.1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SeTa(**settings).setup(Pool(4), 3)
