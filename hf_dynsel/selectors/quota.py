"""Splits a budget over the classes, to the exact sample and never beyond a class's size."""

import numpy as np
from jaxtyping import Int


def equal_quota(sizes: Int[np.ndarray, " c"], budget: int) -> Int[np.ndarray, " c"]:
    """Returns the same number for each class, small classes giving what they have.

    What a small class cannot give is shared among the others, again equally; the last few
    samples go to the lowest class indices that still have some.

    Args:
        sizes: number of samples of each class.
        budget: number of samples in all.

    Raises:
        ValueError: if the budget is more than all classes have.
    """
    _check_budget(sizes, budget)
    quotas = np.zeros_like(sizes)
    while rest := budget - int(quotas.sum()):
        still_open = np.flatnonzero(quotas < sizes)[:rest]
        quotas[still_open] += rest // len(still_open)
        np.minimum(quotas, sizes, out=quotas)
    return quotas


def proportional_quota(sizes: Int[np.ndarray, " c"], budget: int) -> Int[np.ndarray, " c"]:
    """Returns for each class its share of the budget, rounded by largest remainder.

    Equal remainders go to the lower class index.

    Args:
        sizes: number of samples of each class.
        budget: number of samples in all.

    Raises:
        ValueError: if the budget is more than all classes have.
    """
    _check_budget(sizes, budget)
    quotas, remainders = np.divmod(sizes * budget, sizes.sum())
    first = np.argsort(-remainders, kind="stable")[: budget - int(quotas.sum())]
    quotas[first] += 1
    return quotas


def _check_budget(sizes: Int[np.ndarray, " c"], budget: int) -> None:
    if not 0 <= budget <= sizes.sum():
        raise ValueError(
            f"cannot split a budget of {budget} over classes with {sizes.sum()} samples in all; "
            "give a budget between zero and that"
        )
