"""The rows of a comparison at each budget: full data, RS2, RS2 with tails, and the methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Int

from hf_dynsel.compare.cells import Cell, Source, with_keep
from hf_dynsel.compare.matched import matched
from hf_dynsel.compare.sizes import Sizes, sizes_of
from hf_dynsel.compare_section import FULL_DATA, RS2, TAIL, Comparison
from hf_dynsel.recipe import RecipeError

Labels = Int[np.ndarray, " n"]
Section = Mapping[str, Any]


@dataclass(frozen=True)
class Arm:
    """All methods at one budget.

    Args:
        keep: fraction of the pool.
        rows: section of the selector, by label.
        budget: what RS2 takes: epochs, optimizer steps or samples. Seconds are measured later.
        length: what the rule changes in the section `trainer`.
        tails: label of the RS2 with the same whole epochs, by label of the method.
        epochs: of each row, by label, where they follow from seconds.
    """

    keep: float
    rows: Mapping[str, Section]
    budget: float
    length: Section
    tails: Mapping[str, str] = field(default_factory=dict)
    epochs: Mapping[str, int] = field(default_factory=dict)

    def cells(self, source: Source, rule: str, seeds: Sequence[int]) -> list[Cell]:
        """Returns the runs of all rows, seed by seed."""
        return [
            source.cell(rule, self.keep, label, section, seed, self._length(label, source.epochs))
            for seed in seeds
            for label, section in self.rows.items()
        ]

    def _length(self, label: str, epochs: int) -> Section:
        own = self.epochs.get(label, epochs)
        return self.length if own == epochs else {"num_train_epochs": own}


def arms_of(source: Source, wanted: Comparison, labels: Labels) -> list[Arm]:
    """Returns what is to be trained, one arm per fraction kept, all of it checked.

    Args:
        source: of the runs.
        wanted: methods, fractions kept and rule.
        labels: of the training set.

    Raises:
        RecipeError: with every fault of every run.
    """
    found: list[str] = []
    arms = [_arm(source, wanted, keep, labels, found) for keep in wanted.keeps]
    if found:
        raise RecipeError(f"the comparison of '{source.content['name']}'", found)
    return arms


def check_references(
    arms: Sequence[Arm], source: Source, wanted: Comparison, labels: Labels
) -> None:
    """Raises RecipeError if a rule cannot match full data or an RS2 to the budget."""
    found = []
    for arm in arms:
        for cell in arm.cells(source, wanted.rule, wanted.seeds[:1]):
            if cell.label not in wanted.methods:
                try:
                    matched(cell, wanted.rule, arm.budget, labels, source.epochs)
                except ValueError as wrong:
                    found.append(f"{cell.label}, keep {arm.keep}: {wrong}")
    if found:
        raise RecipeError(f"the comparison of '{source.content['name']}'", found)


def _arm(source: Source, wanted: Comparison, keep: float, labels: Labels, found: list[str]) -> Arm:
    """Returns the arm of one fraction; faults are added to those found."""
    rs2 = {"name": "DynamicRandom", "keep": keep}
    plain = source.cell("equal_epochs", keep, RS2, rs2, wanted.seeds[0], {})
    taken = sizes_of(plain.recipe, labels)
    arm = _budgeted(wanted.rule, keep, source.epochs, taken)
    methods = {label: with_keep(section, keep) for label, section in wanted.methods.items()}
    planned = {}
    for label, section in methods.items():
        try:
            cell = source.cell(wanted.rule, keep, label, section, wanted.seeds[0], arm.length)
            planned[label] = matched(cell, wanted.rule, arm.budget, labels, source.epochs)
        except ValueError as wrong:
            faults = wrong.faults if isinstance(wrong, RecipeError) else [str(wrong)]
            found += [f"compare.methods.{label}, keep {keep}: {fault}" for fault in faults]
    tails, own = _tails(planned, taken.epochs[0] or 0, rs2)
    rows: dict[str, Section] = {FULL_DATA: {"name": FULL_DATA}, RS2: rs2, **own, **methods}
    return replace(arm, rows=rows, tails=tails)


def _tails(
    planned: Mapping[str, Sizes], budget: int, rs2: Section
) -> tuple[dict[str, str], dict[str, Section]]:
    """Returns the label of the RS2 with each method's whole epochs, and the section of each."""
    tails: dict[str, str] = {}
    sections: dict[str, Section] = {}
    for label, sizes in planned.items():
        first, last = sizes.whole(budget)
        if first or last:
            tails[label] = name = f"{TAIL}-{first}-{last}"
            refine = last / len(sizes.epochs)
            sections[name] = {**rs2, "warmup_epochs": first, "refine": refine}
    return tails, sections


def _budgeted(rule: str, keep: float, epochs: int, rs2: Sizes) -> Arm:
    if rule == "equal_steps":
        return Arm(keep, {}, rs2.steps, {"max_steps": rs2.steps})
    if rule == "equal_samples":
        samples = sum(size or 0 for size in rs2.epochs)
        return Arm(keep, {}, samples, {"match_compute": True, "num_train_epochs": keep * epochs})
    return Arm(keep, {}, epochs, {})
