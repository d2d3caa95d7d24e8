"""Numbers that depend on the epoch alone: a falling weight and the full-data epochs at the end."""

import math


def falling_sigmoid(time: float, low: float, midpoint: float, sharpness: float) -> float:
    """Returns a weight that falls from 1 to `low` and is half way at `midpoint`.

    Args:
        time: now, in the unit of `midpoint`.
        low: the weight at the end.
        midpoint: when the weight is half way.
        sharpness: how fast it falls, per unit of time.
    """
    # The same as 1 - sigmoid(x), but without overflow for large x.
    falling = (1 - math.tanh(sharpness * (time - midpoint) / 2)) / 2
    return low + (1 - low) * falling


def full_epochs(share: float, num_epochs: int) -> int:
    """Returns how many epochs a share of the run is, rounded up as on exact decimals.

    Counting the epochs `t > (1 - share) * num_epochs` in binary floats is one off for some
    shares, such as 0.30 of 90 epochs.

    Args:
        share: part of the epochs, from 0 to 1.
        num_epochs: length of the run.
    """
    return math.ceil(share * num_epochs - 1e-9)


def selecting_epochs(num_epochs: int, warmup_epochs: int, refine: float) -> range:
    """Returns the epochs that select; those before and after train on the whole pool.

    Args:
        num_epochs: length of the run.
        warmup_epochs: epochs before.
        refine: share of the run after, rounded up to epochs.
    """
    return range(warmup_epochs, num_epochs - full_epochs(refine, num_epochs))
