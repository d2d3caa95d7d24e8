"""Counts the samples in a fraction, as on exact decimals."""

from decimal import Decimal


def share(fraction: float, size: int) -> int:
    """Returns how many of `size` samples a fraction is, rounded down; it may be none.

    In binary floats, 0.29 of 100 would be 28.

    Args:
        fraction: from 0 to 1.
        size: number of samples.
    """
    return int(Decimal(str(fraction)) * size + Decimal("1e-9"))
