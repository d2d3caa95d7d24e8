"""Leaves out a group of samples whose influences on a trained model cancel."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hf_dynsel.selectors.cancellation import CANDIDATES, cancelling
from hf_dynsel.selectors.checks import check_choice, check_positive
from hf_dynsel.selectors.hessian import Form, check_form, inverse_hessian
from hf_dynsel.selectors.last_layer import LastLayer
from hf_dynsel.selectors.static_subset import StaticSubset

COLUMNS = ("proxy_features", "proxy_error")


@dataclass
class DatasetPruning(StaticSubset):
    """Leaves out those samples without which the last layer of a proxy model changes least.

    Leaving out sample `i` moves the weights by about `H^-1 g / N`, with its gradient `g` and the
    Hessian `H` of the loss. Of all groups of the size to be pruned, one is sought for which the
    sum of these moves is as short as can be: large ones may stay out together where they cancel.
    The group is never worse than that of the smallest moves.

    Args:
        keep: fraction of the pool.
        hessian: `whole` is that of all C (d + 1) weights of the layer; `classes` leaves out how
            the weights of two classes act together; `auto` is whole up to 2,048 weights.
        damping: added to the diagonal of the Hessian, as a share of its mean.

    Signal:
        What the last layer of a trained model receives, and its predicted probabilities less one
        for the true class: the columns `proxy_features` and `proxy_error`.

    Cost:
        Once, O(N d C) time for each of some hundred steps. The exact Hessian takes O(N p^2) more
        for its p = C (d + 1) weights, and 8 p^2 bytes, or 8 p (d + 1) by class, with the vectors
        of 128 samples: beyond 8 GiB it is refused, with the byte count. Else O(N) memory beside
        the columns, and no vector of p entries for each sample.

    Reference:
        Yang et al., "Dataset Pruning: Reducing Training Costs by Examining Generalization
        Influence", ICLR 2023: the second program, which prunes a given number. Departures, all
        ours, for we read a re-implementation and not the paper: the last layer alone in place of
        all weights; a Hessian that is solved in place of LiSSA; a damping relative to the
        Hessian; the Kronecker form; and, in place of simulated annealing, the relaxed program by
        Frank and Wolfe's method, rounded, and swaps that shorten the sum.
    """

    hessian: Form = "auto"
    damping: float = 0.01

    def reads(self) -> frozenset[str]:
        """Returns the two columns of the proxy model."""
        return frozenset(COLUMNS)

    def check(self) -> None:
        """Checks the hyperparameters, and that the pool has the columns."""
        check_choice("hessian", self.hessian, ("auto", "whole", "classes"))
        check_positive("damping", self.damping, "a share of the Hessian's mean diagonal entry")
        features, errors = (self.pool.column(name) for name in COLUMNS)
        check_form(self.hessian, errors.shape[1], features.shape[1], 2 * CANDIDATES)

    def choose(self) -> Int[np.ndarray, " k"]:
        """Returns the subset, sorted."""
        kept = np.ones(self.pool.size, dtype=bool)
        if pruned := self.pool.size - self.budget(self.keep):
            features, errors = (self.pool.column(name) for name in COLUMNS)
            inverse = inverse_hessian(features, errors, self.hessian, self.damping)
            kept[cancelling(LastLayer(features, errors, inverse), pruned)] = False
        return np.flatnonzero(kept)
