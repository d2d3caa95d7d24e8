"""How faithful to all data subsets of each size are: the MMD of Rep-TopK and of K-Center."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float

from hf_dynsel.figures.faithfulness_chart import faithfulness_chart
from hf_dynsel.figures.request import Request
from hf_dynsel.figures.subsets import Subsets, chosen
from hf_dynsel.mmd import Whole, drawn, gaussian, median_gamma
from hf_dynsel.report.picture import Section
from hf_dynsel.selectors.share import share

KEEPS = (0.01, 0.05, 0.1, 0.3, 0.5, 0.7)
# Words after the seed, for what is drawn.
OF_WHOLE, OF_SUBSET = 103, 104


@dataclass(frozen=True)
class Measured:
    """One squared MMD, both estimates.

    Args:
        method: that chose the subset.
        start: number of its start or draw.
        keep: fraction of the pool.
        samples: in the subset.
        kernel: by how its width was chosen.
        gamma: of the kernel exp(-gamma |a - b|²).
        biased: the V-statistic.
        unbiased: the U-statistic.
    """

    method: str
    start: int
    keep: float
    samples: int
    kernel: str
    gamma: float
    biased: float
    unbiased: float


def faithfulness(request: Request) -> Section:
    """Returns the MMD of subsets of each size to all data, by method.

    Time is mostly that of three greedy K-Centers of 70 % of the data, and three within classes.

    Reference:
        Zhou et al., arXiv 2603.04981, section 3.3, figure 3 and appendix B.2: features scaled to
        unit length, the RBF kernel with gamma = 1/d, up to 5,000 samples of each side; Rep-TopK
        takes the top of each class in proportion, K-Center the first of a greedy order. The paper
        says unbiased and prints the biased estimate; it names neither the start of K-Center nor
        its distance. We show both estimates, three random starts with the Euclidean distance of
        the scaled features, and a second kernel as wide as the median distance. Rep-TopK knows
        the classes and K-Center does not, so K-Center within each class is beside it; random
        subsets of the same size are the line to beat.
    """
    one = request.run()
    require_sizes(len(one.labels))
    seed, features = one.recipe.seed, unit_length(one.features)
    subsets = chosen(features, one.labels, one.representativeness, KEEPS, seed)
    found = list(measure(features, subsets, seed))
    facts = {
        "recipe": one.run.summary.recipe,
        "seed": seed,
        "samples": len(features),
        "dimensions": features.shape[1],
        "measured": [asdict(row) for row in found],
    }
    chart = faithfulness_chart(facts["measured"], facts)
    return Section("How faithful subsets are to all data", [chart])


def require_sizes(size: int) -> None:
    """Raises ValueError if the smallest subset of a pool has fewer than two samples."""
    if (least := share(KEEPS[0], size)) < 2:
        raise ValueError(
            f"{KEEPS[0]:.0%} of {size} samples is {least}, but the unbiased estimate needs two: "
            "take a run with at least 200 samples"
        )


def unit_length(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Returns rows scaled to unit length, float32 and writable; a row of zeros stays."""
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    scaled = features / np.where(lengths == 0, 1.0, lengths)
    return np.require(scaled, np.float32, ["C_CONTIGUOUS", "WRITEABLE"])


def measure(
    features: Float[np.ndarray, "n d"], subsets: Mapping[str, Sequence[Subsets]], seed: int
) -> Iterator[Measured]:
    """Yields the squared MMD of each subset to all samples, by both kernels.

    Args:
        features: of unit length.
        subsets: by method, start and fraction.
        seed: of which 5,000 samples stand for a larger set.
    """
    every = features[drawn(np.arange(len(features)), np.random.default_rng((seed, OF_WHOLE)))]
    gammas = {"1/d": 1 / features.shape[1], "median": median_gamma(every)}
    whole = Whole(every, [gaussian(gamma) for gamma in gammas.values()])
    for method, starts in subsets.items():
        for start, by_keep in enumerate(starts):
            for keep, rows in by_keep.items():
                own = features[drawn(rows, np.random.default_rng((seed, OF_SUBSET)))]
                pairs = zip(gammas.items(), whole.distance(own), strict=True)
                for (kernel, gamma), found in pairs:
                    of_subset = (method, start, keep, len(rows), kernel, gamma)
                    yield Measured(*of_subset, found.biased, found.unbiased)
