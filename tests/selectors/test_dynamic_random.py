import numpy as np
from scipy.stats import chi2

from hf_dynsel.core import Pool
from hf_dynsel.selectors import DynamicRandom
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
