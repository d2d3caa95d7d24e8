"""Refuses runs that a rule cannot match: of unknown length or cost, or far from the budget."""

import math

import numpy as np
from jaxtyping import Int

from hf_dynsel.compare.cells import Cell
from hf_dynsel.compare.notes import loaded
from hf_dynsel.compare.sizes import Sizes, decided_in_training, sizes_of

FURTHEST = 0.1  # of the budget in samples: how far from it a run of whole epochs may be
PLANNED = ("equal_steps", "equal_samples")  # rules that set a length before training

Labels = Int[np.ndarray, " n"]


def matched(cell: Cell, rule: str, budget: float, labels: Labels, epochs: int) -> Sizes:
    """Returns the length of a run that a rule allows.

    Args:
        cell: the run.
        rule: of the comparison.
        budget: of the rule, for runs at the same `keep`.
        labels: of the training set.
        epochs: of the recipe.

    Raises:
        ValueError: if its length is decided while training, it never selects, or it is off the
            budget, and the rule sets a length; or if its cost is not known, and the rule is
            equal_seconds.
    """
    name = cell.recipe.selector["name"]
    if rule == "equal_seconds":
        _require_cost(cell)
    if rule in PLANNED and decided_in_training(cell.recipe, labels, epochs):
        raise ValueError(
            f"{rule} needs to know beforehand how much it trains, and {name} decides that while "
            "training; give it a keep, if it takes one, or compare by equal_epochs or equal_seconds"
        )
    sizes = sizes_of(cell.recipe, labels)
    if rule in PLANNED and _never_selects(cell, sizes):
        raise ValueError(
            f"{rule} leaves {name} no epoch that selects, only {len(sizes.epochs)} on the whole "
            f"pool; raise trainer.num_train_epochs, which is {epochs}"
        )
    if rule == "equal_samples":
        _require_near(cell, sizes, budget, epochs)
    return sizes


def never_selects(cell: Cell, labels: Labels) -> bool:
    """Returns whether a method that keeps a part of the pool trains on all of it in every epoch."""
    return _never_selects(cell, sizes_of(cell.recipe, labels))


def _never_selects(cell: Cell, sizes: Sizes) -> bool:
    keep = cell.recipe.selector.get("keep")
    return keep is not None and keep < 1 and not any(sizes.selects(math.ceil(keep * sizes.pool)))


def _require_cost(cell: Cell) -> None:
    for section, source in loaded(cell.recipe).items():
        raise ValueError(
            f"equal_seconds needs to know what all of it took, and the cost of the {section} "
            f"loaded from {source} is not known; have the recipe make them, or compare by "
            "equal_epochs, equal_steps or equal_samples"
        )


def _require_near(cell: Cell, sizes: Sizes, budget: float, epochs: int) -> None:
    samples = sum(size or 0 for size in sizes.epochs)
    if abs(samples - budget) > FURTHEST * budget + 1e-9:
        enough = math.ceil(1 / (2 * FURTHEST * cell.keep))  # half an epoch is then near enough
        more = f", to {enough}, say" if enough > epochs else ""
        raise ValueError(
            f"equal_samples gives {budget:,.0f} samples, and whole epochs of "
            f"{cell.recipe.selector['name']} that come closest have {samples:,}, more than "
            f"{FURTHEST:.0%} off; raise trainer.num_train_epochs, which is {epochs}{more}"
        )
