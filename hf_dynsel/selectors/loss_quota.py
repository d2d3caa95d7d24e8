"""Splits a budget over the classes by their size and their loss."""

import numpy as np
from jaxtyping import Float, Int


def loss_quota(
    sizes: Int[np.ndarray, " c"], losses: Float[np.ndarray, " c"], budget: int
) -> Int[np.ndarray, " c"]:
    """Returns how many of each class to take: in proportion to the root of size times loss.

    With the shares `p` of the classes and their mean losses `L` this minimises the sum of
    `p * L / quota`. A class that would have to give more than it has gives all, and the rest of
    the budget is split anew over the others, in the end rounded by largest remainder. Where no
    class left has a loss, the root of the size decides; equal remainders go to the lower class.

    Args:
        sizes: number of samples of each class.
        losses: of each class, not negative.
        budget: number of samples in all, at most all there are.
    """
    shares, open_ = np.zeros(len(sizes)), np.ones(len(sizes), dtype=bool)
    while open_.any():
        roots = np.sqrt(sizes * losses)[open_]
        if not roots.any():
            roots = np.sqrt(sizes[open_])
        shares[open_] = (budget - sizes[~open_].sum()) * roots / roots.sum()
        saturated = open_ & (shares >= sizes)
        if not saturated.any():
            break
        shares[saturated] = sizes[saturated]
        open_ &= ~saturated
    quotas = np.floor(shares + 1e-9).astype(np.int64)
    remainders = np.where(quotas < sizes, shares - quotas, -1.0)
    most = np.argsort(-remainders, kind="stable")
    quotas[most[: budget - quotas.sum()]] += 1
    return quotas
