"""Differences paired by seed, their confidence intervals, and tests corrected for their number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE, LEVEL = 0.95, 0.05
SAME = 1e-9  # differences of metrics closer than this are rounding


@dataclass(frozen=True)
class Difference:
    """The mean difference of two methods over the seeds that both have.

    Args:
        seeds: how many.
        mean: of the differences per seed.
        low: end of the 95 % interval of Student's t; None for one seed.
        high: the other end.
        p: of the paired t-test. None for one seed; one where the differences do not vary, because
            their spread over seeds is then unknown, not zero.
        adjusted: the same for all tests at one budget together; None where no test is made.
    """

    seeds: int
    mean: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    adjusted: float | None = None


def difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Difference | None:
    """Returns the paired difference, ours less theirs; None if no seed is in both.

    Args:
        ours: values by seed.
        theirs: values by seed.
    """
    gaps = np.array([ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())])
    if len(gaps) == 0:
        return None
    mean = float(gaps.mean())
    if len(gaps) == 1:
        return Difference(1, mean)
    if np.ptp(gaps) < SAME:
        return Difference(len(gaps), mean, mean, mean, 1.0)
    test = stats.ttest_1samp(gaps, 0.0)
    low, high = test.confidence_interval(CONFIDENCE)
    return Difference(len(gaps), mean, float(low), float(high), float(test.pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values adjusted for their number, by Holm's step-down method.

    Where none of the differences is real, the chance that any of them is below a level is at most
    that level.

    Reference:
        Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
        Statistics, 1979.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    raised = np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * factors)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(raised, 1.0)
    return [float(p) for p in adjusted]
