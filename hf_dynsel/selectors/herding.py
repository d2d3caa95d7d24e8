"""Chooses rows whose mean stays as near as possible to the mean of the pool."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Num
from tqdm.auto import tqdm

from hf_dynsel.scores.centred import centred
from hf_dynsel.scores.twins import first_twins
from hf_dynsel.selectors.class_quota import ClassQuota, Quota
from hf_dynsel.selectors.static_subset import StaticSubset

PATIENCE = 2.0  # seconds without a progress bar


@dataclass
class Herding(StaticSubset):
    """Always adds the sample that brings the sum of the chosen nearest to as many means.

    Args:
        keep: fraction of the pool.
        features: column of vectors; Euclidean distance.
        quota: `none` matches the mean of the pool; `equal` and `proportional` split the budget
            over the classes and match the mean of each, class after class.

    Signal:
        Features, of any model. Labels only with a quota.

    Cost:
        Once, O(N K d) time: one product of all features with one vector for each sample chosen,
        for which memory has to be read N K d times; with a quota, C times less. O(N d) memory, a
        copy of the features in float32.

    Reference:
        Welling, "Herding Dynamical Weights to Learn", ICML 2009, in the form for coresets: the
        sample nearest to `t * mean - sum of the chosen` is added as number t. It agrees with
        herding's own step, which maximises the inner product with that vector, only where all
        features have one length; we did not read the paper again. DeepCore (Guo et al., 2022)
        takes the farthest sample in its place, and returns the subset sorted.
    """

    features: str = "features"
    quota: Quota = "none"

    def reads(self) -> frozenset[str]:
        """Returns the column of features."""
        return frozenset({self.features})

    def check(self) -> None:
        """Checks the quota and that the pool has the features."""
        self.pool.column(self.features)
        self._quota = ClassQuota.split(self.quota, self.budget(self.keep), self.pool.labels)

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, in the order of the search, class after class."""
        features, groups = self.pool.column(self.features), self._quota.groups
        if groups is None or self._quota.sizes is None:
            return herd(features, self._quota.budget)
        counts = self._quota.sizes.tolist()
        members = zip(groups.members(), counts, strict=True)
        parts = [rows[herd(features[rows], count)] for rows, count in members if count]
        return np.concatenate(parts)


def herd(features: Num[np.ndarray, "n d"], count: int) -> Int[np.ndarray, " k"]:
    """Returns `count` rows, each added to bring the mean of the chosen nearest to that of all.

    With the mean of all moved to zero, that is the row nearest to minus the sum of the chosen. Of
    equal rows the lower one comes first: the first stands for all that are left.

    Args:
        features: finite, one row per sample.
        count: how many rows, at most all.
    """
    points = np.empty(features.shape, dtype=np.float32)
    for rows, block in centred(features):
        points[rows] = block
    firsts = first_twins(points)
    members, left = firsts.argsort(kind="stable"), np.bincount(firsts, minlength=len(points))
    ends = left.cumsum()
    lengths = np.where(left, np.einsum("nd,nd->n", points, points), np.inf)
    total, values = np.zeros(points.shape[1]), np.empty_like(lengths)
    chosen = np.empty(count, dtype=np.int64)
    for step in tqdm(range(count), desc="herding", unit="sample", delay=PATIENCE):
        np.dot(points, 2 * total.astype(np.float32), out=values)
        values += lengths
        first = values.argmin()
        chosen[step] = members[ends[first] - left[first]]
        total += points[first]
        left[first] -= 1
        if not left[first]:
            lengths[first] = np.inf
    return chosen
