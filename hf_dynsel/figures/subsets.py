"""The subsets of each size that are compared with all data: Rep-TopK, K-Center, random ones."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from hf_dynsel.scores.farthest_first import farthest_first
from hf_dynsel.selectors.class_quota import ClassQuota
from hf_dynsel.selectors.quota import proportional_quota
from hf_dynsel.selectors.ranking import ClassGroups
from hf_dynsel.selectors.share import share

STARTS = 3
REP, CENTER, BY_CLASS, RANDOM = "Rep-TopK", "K-Center", "K-Center by class", "random subset"
# Words after the seed, for what is drawn.
OF_START, OF_RANDOM = 101, 102

logger = logging.getLogger(__name__)
Subsets = Mapping[float, Int[np.ndarray, " k"]]


def chosen(
    features: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    representativeness: Float[np.ndarray, " n"],
    keeps: Sequence[float],
    seed: int,
) -> dict[str, list[Subsets]]:
    """Returns the subsets of each method, by fraction, one set of them per start or draw.

    Args:
        features: float32, writable, scaled to unit length.
        labels: class of each sample.
        representativeness: score of each sample.
        keeps: fractions of the pool.
        seed: of starts and draws.
    """
    sizes = {keep: share(keep, len(labels)) for keep in keeps}
    found: dict[str, list[Subsets]] = {
        REP: [rep_top_k(labels, representativeness, sizes)],
        CENTER: [],
        BY_CLASS: [],
        RANDOM: [],
    }
    for number in range(STARTS):
        logger.info("mmd: K-Center from random start %d of %d", number + 1, STARTS)
        rng = np.random.default_rng((seed, OF_START, number))
        found[CENTER].append(k_center(features, sizes, rng))
        found[BY_CLASS].append(k_center_by_class(features, labels, sizes, rng))
        order = np.random.default_rng((seed, OF_RANDOM, number)).permutation(len(labels))
        found[RANDOM].append({keep: order[:size] for keep, size in sizes.items()})
    return found


def rep_top_k(
    labels: Int[np.ndarray, " n"], scores: Float[np.ndarray, " n"], sizes: Mapping[float, int]
) -> Subsets:
    """Returns the highest scores of each class, in proportion to its size, by fraction."""
    return {
        keep: ClassQuota.split("proportional", size, labels).top(scores)
        for keep, size in sizes.items()
    }


def k_center(
    features: Float[np.ndarray, "n d"], sizes: Mapping[float, int], rng: np.random.Generator
) -> Subsets:
    """Returns the beginnings of one greedy order from a random start, by fraction."""
    start = int(rng.integers(len(features)))
    order = farthest_first(features, start, max(sizes.values()))
    return {keep: order[:size] for keep, size in sizes.items()}


def k_center_by_class(
    features: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    sizes: Mapping[float, int],
    rng: np.random.Generator,
) -> Subsets:
    """Returns the beginnings of a greedy order within each class, in proportion, by fraction."""
    groups = ClassGroups.of(labels)
    quotas = {keep: proportional_quota(groups.sizes, size) for keep, size in sizes.items()}
    most = np.max(list(quotas.values()), axis=0)
    members = groups.members()
    orders = [
        rows[farthest_first(features[rows], int(rng.integers(len(rows))), int(count))]
        if count
        else rows[:0]
        for rows, count in zip(members, most, strict=True)
    ]
    return {
        keep: np.concatenate([order[:count] for order, count in zip(orders, quota, strict=True)])
        for keep, quota in quotas.items()
    }
