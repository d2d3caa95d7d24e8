"""How far a subset's features are from those of all samples: the maximum mean discrepancy."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

# Gives a kernel's values for a table of squared Euclidean distances.
Kernel = Callable[[Float[np.ndarray, "a b"]], Float[np.ndarray, "a b"]]
MOST_ROWS = 5000  # of each side; the paper's number
ROWS_AT_ONCE = 1024  # of a table: 40 MB beside 5,000 others


@dataclass(frozen=True)
class Discrepancy:
    """The squared maximum mean discrepancy of two samples, estimated twice.

    Args:
        biased: the V-statistic, the squared distance of the two means in the kernel's space: zero
            or more, and zero for equal sides.
        unbiased: the U-statistic, which leaves out each row's product with itself: below zero
            where the sides are as alike as two draws, or more.
    """

    biased: float
    unbiased: float


def squared_mmd(
    subset: Float[np.ndarray, "m d"], whole: Float[np.ndarray, "n d"], kernel: Kernel
) -> Discrepancy:
    """Returns both estimates of the squared MMD of two sets of features, in float64.

    Args:
        subset: features of the chosen samples.
        whole: features of all samples.
        kernel: of squared distances. What it adds to every value alike changes neither estimate.

    Raises:
        ValueError: if a side has fewer than two rows.

    Reference:
        Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, equations 3 (unbiased) and 5
        (biased). Zhou et al., "Rethinking Representativeness and Diversity in Dynamic Data
        Selection", arXiv 2603.04981, appendix B.2, call theirs unbiased and print the biased one.
        A subset is no independent draw, so neither is unbiased here: negative estimates are
        normal, and what counts is the order of subsets of one size.
    """
    return Whole(whole, [kernel]).distance(subset)[0]


class Whole:
    """All samples, whose own part of the MMD is computed once for many subsets and kernels.

    Args:
        rows: features.
        kernels: of squared distances.

    Raises:
        ValueError: if there are fewer than two rows.
    """

    def __init__(self, rows: Float[np.ndarray, "n d"], kernels: Sequence[Kernel]) -> None:
        self.rows = _checked(rows)
        self.kernels = list(kernels)
        self._within = _within(self.rows, self.kernels)

    def distance(self, subset: Float[np.ndarray, "m d"]) -> list[Discrepancy]:
        """Returns the squared MMD of a subset to all samples, by each kernel.

        Raises:
            ValueError: if the subset has fewer than two rows.
        """
        own = _checked(subset)
        between = 2 * _sums(own, self.rows, self.kernels)[0] / (len(own) * len(self.rows))
        biased, unbiased = _within(own, self.kernels) + self._within - between
        return [Discrepancy(*map(float, pair)) for pair in zip(biased, unbiased, strict=True)]


def _checked(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    if len(rows) < 2:
        raise ValueError(
            f"one of the two sides has {len(rows)} rows, but the unbiased estimate needs two of "
            "each; take a larger subset"
        )
    return rows.astype(np.float64)


def _within(rows: Float[np.ndarray, "n d"], kernels: Sequence[Kernel]) -> Float[np.ndarray, "2 k"]:
    """Returns the mean value of all pairs of rows, and that of pairs of two different ones."""
    n, (totals, diagonals) = len(rows), _sums(rows, rows, kernels)
    return np.stack([totals / n**2, (totals - diagonals) / (n * (n - 1))])


def _sums(
    left: Float[np.ndarray, "a d"], right: Float[np.ndarray, "b d"], kernels: Sequence[Kernel]
) -> Float[np.ndarray, "2 k"]:
    """Returns the sum of each kernel's table, and that of its diagonal."""
    sums = np.zeros((2, len(kernels)))
    for start, table in _tables(left, right):
        for number, kernel in enumerate(kernels):
            values = kernel(table)
            sums[:, number] += values.sum(), np.trace(values, offset=start)
    return sums


def _tables(
    left: Float[np.ndarray, "a d"], right: Float[np.ndarray, "b d"]
) -> Iterator[tuple[int, Float[np.ndarray, "c b"]]]:
    """Yields squared distances of some rows to all others, after the number of the first."""
    lengths = np.einsum("nd,nd->n", right, right)
    for start in range(0, len(left), ROWS_AT_ONCE):
        rows = left[start : start + ROWS_AT_ONCE]
        table = np.einsum("nd,nd->n", rows, rows)[:, None] + lengths - 2 * rows @ right.T
        yield start, np.maximum(table, 0.0, out=table)


def gaussian(gamma: float) -> Kernel:
    """Returns the kernel exp(-gamma |a - b|²) less one, which keeps the digits that tell apart.

    On vectors of unit length in 768 dimensions, with a gamma of 1/768, its values are between
    -0.0052 and 0; those of the kernel itself all begin with 0.99 or are one.
    """

    def less_one(squares: Float[np.ndarray, "a b"]) -> Float[np.ndarray, "a b"]:
        return np.expm1(-gamma * squares)

    return less_one


def linear(squares: Float[np.ndarray, "a b"]) -> Float[np.ndarray, "a b"]:
    """Returns minus half of the squares: the scalar products, but for what cancels in the MMD.

    By this kernel the biased estimate is the squared distance of the mean vectors.
    """
    return -squares / 2


def median_gamma(features: Float[np.ndarray, "n d"]) -> float:
    """Returns 1 / (2 s²), where s is the median distance of two rows.

    Raises:
        ValueError: if half of all pairs of rows are equal rows, or there is no pair.

    Reference:
        Gretton et al., JMLR 2012, section 8: the usual choice where no better one is known.
    """
    rows = _checked(features)
    columns = np.arange(len(rows))
    squares = [
        table[columns > columns[start : start + len(table), None]]
        for start, table in _tables(rows, rows)
    ]
    middle = float(np.median(np.sqrt(np.concatenate(squares))))
    if middle == 0:
        raise ValueError(
            f"the median distance of {len(rows)} rows is zero, so no kernel can be as wide: half "
            "of the pairs are equal rows; take features that tell them apart"
        )
    return 1 / (2 * middle**2)


def drawn(
    rows: Int[np.ndarray, " n"], rng: np.random.Generator, most: int = MOST_ROWS
) -> Int[np.ndarray, " m"]:
    """Returns all rows, or `most` of them drawn without replacement."""
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))
