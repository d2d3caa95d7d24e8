"""Compares selectors at equal cost: plans, runs what is missing, and writes tables and charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hf_dynsel.compare.arms import Arm, Labels, arms_of, check_references
from hf_dynsel.compare.cells import Cell, Source, source_of
from hf_dynsel.compare.folders import SUMMARY, adopt, finished
from hf_dynsel.compare.launch import run_all
from hf_dynsel.compare.lock import alone
from hf_dynsel.compare.matched import never_selects
from hf_dynsel.compare.notes import notes_of
from hf_dynsel.compare.origins import origins
from hf_dynsel.compare.places import places, visible_devices
from hf_dynsel.compare.results import Setup, write_results
from hf_dynsel.compare.seconds import Pilot, pilot_of
from hf_dynsel.compare.write import write_tables
from hf_dynsel.compare_section import RS2, Comparison
from hf_dynsel.data.split import label_array
from hf_dynsel.extras import require
from hf_dynsel.recipe import Recipe
from hf_dynsel.report.summary import read_summary
from hf_dynsel.stages import load_data


@dataclass(frozen=True)
class Compared:
    """A comparison that was run.

    Args:
        folder: with the tables; its `results/` hold all that they are made from.
        failed: errors of the runs that have none, by name.
    """

    folder: Path
    failed: Mapping[str, str]


def compare(
    recipe: Recipe, wanted: Comparison, jobs: int | None = None, others: Sequence[Recipe] = ()
) -> Compared:
    """Returns where the tables are, after all runs that were not there yet.

    Args:
        recipe: data, model, scores and training that all methods share.
        wanted: methods, fractions kept, seeds and rule.
        jobs: runs at once; by default one per CUDA device.
        others: recipes whose comparisons may have runs of this one, which are not trained again.

    Raises:
        RecipeError: with every fault of every run, before any.
        ValueError: if no run finished, or another call trains in the same folder.
        ImportError: if matplotlib is not installed.
    """
    require("matplotlib.figure", "report")
    at_once = len(places(jobs, visible_devices(), 1))
    splits = load_data(replace(recipe, seed=wanted.seeds[0]))
    source = replace(source_of(recipe), origins=origins(recipe, wanted.seeds, splits))
    labels, folder = label_array(splits["train"]), source.root / wanted.rule
    arms = arms_of(source, wanted, labels)
    check_references(arms, source, wanted, labels)
    with alone(source.root):
        for arm in arms:
            cells = arm.cells(source, wanted.rule, wanted.seeds)
            adopt(cells, source.root, [source_of(other).root for other in others])
        arms, cells, notes, failed = _run(source, wanted, arms, labels, jobs)
        errors = [f"{name} failed: {error}" for name, error in failed.items()]
        if not any(map(finished, cells)):
            raise ValueError("\n  ".join(["no run of the comparison finished:", *errors]))
        setup = _setup(recipe, wanted, arms, at_once, [*notes_of(cells), *notes, *errors])
        write_results(folder / "results", setup, cells)
        write_tables(folder / "results", folder)
    return Compared(folder, failed)


def _run(
    source: Source, wanted: Comparison, arms: list[Arm], labels: Labels, jobs: int | None
) -> tuple[list[Arm], list[Cell], list[str], dict[str, str]]:
    """Returns the arms as they were run, their cells, what did not fit, and what failed."""
    notes, failed = list[str](), dict[str, str]()
    if wanted.rule == "equal_seconds":
        pilots = [cell for arm in arms for cell in arm.cells(source, wanted.rule, wanted.seeds[:1])]
        failed |= run_all(pilots, jobs)
        arms = [_fitted(arm, source, pilots, labels, notes) for arm in arms]
    cells = [cell for arm in arms for cell in arm.cells(source, wanted.rule, wanted.seeds)]
    return arms, cells, notes, failed | run_all(cells, jobs)


def _fitted(
    arm: Arm, source: Source, cells: Sequence[Cell], labels: Labels, notes: list[str]
) -> Arm:
    """Returns an arm with the epochs that fit into what RS2 takes; says what does not fit."""
    pilots = _pilots(arm, cells)
    if RS2 not in pilots:
        return replace(arm, rows={})
    budget = pilots[RS2].overhead + pilots[RS2].per_epoch * source.epochs
    epochs = {label: pilot.epochs_within(budget) for label, pilot in pilots.items()}
    for label, pilot in pilots.items():
        took = f"{label}, keep {arm.keep}: the pilot took {pilot.describe()}"
        if epochs[label]:
            notes.append(f"{took}; epochs that fit into {budget:,.2f} s: {epochs[label]}.")
        else:
            notes.append(f"{took}, which does not fit into the budget of {budget:,.2f} s.")
    rows = {label: section for label, section in arm.rows.items() if epochs.get(label)}
    return _selecting(replace(arm, rows=rows, budget=budget, epochs=epochs), source, labels, notes)


def _selecting(arm: Arm, source: Source, labels: Labels, notes: list[str]) -> Arm:
    """Returns an arm without the methods that have no epoch left that selects; says which."""
    rows = dict(arm.rows)
    for cell in arm.cells(source, "equal_seconds", [0]):
        if never_selects(cell, labels):
            del rows[cell.label]
            notes.append(
                f"{cell.label}, keep {arm.keep}: was left out, as it would train on the whole pool "
                "in every epoch that fits; raise trainer.num_train_epochs."
            )
    return replace(arm, rows=rows)


def _pilots(arm: Arm, cells: Sequence[Cell]) -> Mapping[str, Pilot]:
    return {
        cell.label: pilot_of(read_summary(cell.recipe.folder / SUMMARY), cell.recipe.selector)
        for cell in cells
        if cell.keep == arm.keep and finished(cell)
    }


def _setup(
    recipe: Recipe, wanted: Comparison, arms: Sequence[Arm], jobs: int, notes: Sequence[str]
) -> Setup:
    return Setup(
        recipe=recipe.name,
        data=str(recipe.dataset["loader"]),
        rule=wanted.rule,
        epochs=source_of(recipe).epochs,
        metric=recipe.metrics[0],
        keeps=wanted.keeps,
        seeds=wanted.seeds,
        jobs=jobs,
        budgets={str(arm.keep): arm.budget for arm in arms},
        methods={str(arm.keep): arm.rows for arm in arms},
        tails={str(arm.keep): arm.tails for arm in arms},
        notes=notes,
    )
