"""Plans a suite without training: how long each method of each member is, and what it saves."""

from collections.abc import Iterator
from dataclasses import replace

from hf_dynsel.compare.arms import Arm, Labels, arms_of
from hf_dynsel.compare.cells import Cell, Source, source_of
from hf_dynsel.compare.sizes import sizes_of
from hf_dynsel.compare_section import Comparison, comparison
from hf_dynsel.data.split import label_array
from hf_dynsel.planning import MadeUp
from hf_dynsel.recipe import Recipe
from hf_dynsel.report.markdown import markdown_table
from hf_dynsel.stages import load_data
from hf_dynsel.suite.load import Loaded

LEARNS = "decided while training"


def plan_suite(loaded: Loaded, made_up: MadeUp | None = None) -> Iterator[str]:
    """Yields the plan of each member in Markdown, a table per fraction kept.

    Nothing is scored or trained. By equal_seconds, runs are planned as by equal_epochs: how many
    epochs fit is measured.

    Args:
        loaded: the suite.
        made_up: the size of the training set, where it is not to be loaded.

    Raises:
        RecipeError: with the faults of the comparison of a member.
    """
    for name, recipe in loaded.recipes.items():
        wanted, source = comparison(recipe.compare, recipe.selector), source_of(recipe)
        labels = _labels(replace(recipe, seed=wanted.seeds[0]), made_up)
        yield f"## {name}: {len(labels):,} training samples, {wanted.rule}"
        for arm in arms_of(source, wanted, labels):
            yield f"### Keep {arm.keep}"
            yield markdown_table(list(_rows(arm, source, wanted, labels)))


def _labels(recipe: Recipe, made_up: MadeUp | None) -> Labels:
    return label_array(load_data(recipe)["train"]) if made_up is None else made_up.labels


def _rows(arm: Arm, source: Source, wanted: Comparison, labels: Labels) -> Iterator[dict[str, str]]:
    full = len(labels) * source.epochs
    for cell in arm.cells(source, wanted.rule, wanted.seeds[:1]):
        yield {"method": cell.label, "seeds": str(len(wanted.seeds)), **_length(cell, labels, full)}


def _length(cell: Cell, labels: Labels, full: int) -> dict[str, str]:
    sizes = sizes_of(cell.recipe, labels)
    known = [size for size in sizes.epochs if size is not None]
    whole = len(known) == len(sizes.epochs)
    return {
        "epochs": str(len(sizes.epochs)),
        "samples trained": f"{sum(known):,}" if whole else LEARNS,
        "fewer samples": f"{full / sum(known):.2f}×" if whole else LEARNS,
        "optimizer steps": f"{'' if whole else 'at most '}{sizes.steps:,}",
    }
