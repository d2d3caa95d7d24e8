import numpy as np
import pytest
from scipy.stats import chi2

from hf_dynsel.core import Pool
from hf_dynsel.selectors import DynamicRandom, RandomWithoutReplacement
from hf_dynsel.simulate import plan, simulate


def test_inclusion_counts_are_binomial():
    """Each row is in an epoch with probability K / N, whatever the epochs before.

    Rows of one epoch exclude one another, which scales chi-square by N / (N - 1).
    """
    size, epochs, keep = 200, 500, 0.3
    rows = np.concatenate(
        [s.indices for s in simulate(DynamicRandom(keep=keep), Pool(size), epochs)]
    )
    counts = np.bincount(rows, minlength=size)
    variance = epochs * keep * (1 - keep) * size / (size - 1)
    statistic = ((counts - epochs * keep) ** 2).sum() / variance
    assert 0.001 < chi2.sf(statistic, size - 1) < 0.999


def test_epochs_are_independent_of_one_another():
    """Two epochs share K / N of their rows on average: 0.3, here within five standard errors."""
    found = plan(DynamicRandom(keep=0.3), Pool(1000), 100, batch_size=10)
    assert abs(found.choice.overlap - 0.3) < 0.007


def test_whole_epochs_come_first_and_last():
    """Of ten epochs two first, and a quarter, rounded up to three, last."""
    selections = simulate(DynamicRandom(keep=0.3, warmup_epochs=2, refine=0.25), Pool(10), 10)
    assert [len(s.indices) for s in selections] == [10] * 2 + [3] * 5 + [10] * 3


def test_whole_epochs_do_not_change_what_the_others_draw():
    plain = simulate(DynamicRandom(keep=0.3), Pool(50), 6)
    both = simulate(DynamicRandom(keep=0.3, warmup_epochs=1, refine=0.2), Pool(50), 6)
    for epoch in range(1, 4):
        np.testing.assert_array_equal(both[epoch].indices, plain[epoch].indices)


@pytest.mark.parametrize("cls", [DynamicRandom, RandomWithoutReplacement])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"warmup_epochs": -1}, "warmup_epochs must be a whole number of at least 0, got -1"),
        ({"refine": 1.5}, r"refine must be in \[0, 1\], got 1.5"),
    ],
)
def test_whole_epochs_out_of_range_are_refused(cls, settings, message):
    with pytest.raises(ValueError, match=message):
        cls(**settings).setup(Pool(10), 5)


@pytest.mark.parametrize("cls", [DynamicRandom, RandomWithoutReplacement])
@pytest.mark.parametrize("settings", [{"warmup_epochs": 9}, {"refine": 1.0}])
def test_a_run_may_be_of_whole_epochs_alone(cls, settings):
    assert [len(s.indices) for s in simulate(cls(**settings), Pool(10), 3)] == [10] * 3
