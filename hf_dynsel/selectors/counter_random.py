"""Random numbers that a sample keeps, whatever the batch and the process it is in."""

import numpy as np
from jaxtyping import Float, Int, UInt64

_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio, made odd
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)


def splitmix64(key: int, counters: Int[np.ndarray, " b"]) -> UInt64[np.ndarray, " b"]:
    """Returns for each counter the output of that place in the SplitMix64 stream of a key.

    Args:
        key: the stream, from 0 to 2**64 - 1.
        counters: places in it, not negative; 0 is the first output.

    Reference:
        Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014,
        with the constants of Vigna's splitmix64.c.
    """
    bits = (counters.astype(np.uint64) + np.uint64(1)) * _STEP + np.uint64(key)  # modulo 2**64
    bits = (bits ^ (bits >> _SHIFTS[0])) * _FACTORS[0]
    bits = (bits ^ (bits >> _SHIFTS[1])) * _FACTORS[1]
    bits ^= bits >> _SHIFTS[2]
    return bits


def uniform(key: int, counters: Int[np.ndarray, " b"]) -> Float[np.ndarray, " b"]:
    """Returns for each counter a number in [0, 1), from the upper 53 bits of `splitmix64`."""
    numbers: Float[np.ndarray, " b"] = (splitmix64(key, counters) >> np.uint64(11)) * 2.0**-53
    return numbers
