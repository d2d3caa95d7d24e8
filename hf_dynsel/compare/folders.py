"""Says of a run's folder whether the run is finished, can be resumed, or was another."""

import json
import logging
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from transformers.trainer_utils import get_last_checkpoint

from hf_dynsel import yaml_files
from hf_dynsel.compare.cells import Cell, elsewhere

logger = logging.getLogger(__name__)

SUMMARY, RECIPE, ORIGIN = "summary.json", "recipe.yaml", "origin.json"


def finished(cell: Cell) -> bool:
    """Returns whether a run of the same recipe, data and version has left its summary."""
    return (cell.recipe.folder / SUMMARY).is_file() and is_of(cell)


def clear(cell: Cell) -> bool:
    """Returns whether there is a checkpoint to resume; a run of anything else is deleted."""
    folder = cell.recipe.folder
    if folder.exists() and not is_of(cell):
        logger.info("compare: replacing %s, which is of another recipe, data or version", folder)
        shutil.rmtree(folder)
    mark(cell)
    return get_last_checkpoint(str(folder)) is not None


def adopt(cells: Iterable[Cell], root: Path, others: Sequence[Path]) -> None:
    """Copies runs that are not finished from other comparisons that have finished them.

    Args:
        cells: whose runs are wanted.
        root: folder of their comparisons.
        others: the same of other recipes.
    """
    for cell in cells:
        place = cell.recipe.folder.relative_to(root)
        for other in others:
            twin = replace(cell, recipe=replace(cell.recipe, output_dir=str(other / place)))
            if not finished(cell) and finished(twin):
                logger.info("compare: %s is that of %s", cell.name, other)
                _copy(twin.recipe.folder, cell.recipe.folder)


def _copy(source: Path, target: Path) -> None:
    """Puts a copy of a folder in the place of another; an interruption leaves no half of it."""
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def mark(cell: Cell) -> None:
    """Notes in the run's folder, which then exists, what the run is made from."""
    cell.recipe.folder.mkdir(parents=True, exist_ok=True)
    (cell.recipe.folder / ORIGIN).write_text(_origin(cell), encoding="utf-8")


def is_of(cell: Cell) -> bool:
    """Returns whether recipe, data and version are those of the run, paths of folders aside."""
    file, origin = cell.recipe.folder / RECIPE, cell.recipe.folder / ORIGIN
    if not (file.is_file() and origin.is_file()):
        return False
    if origin.read_text(encoding="utf-8") != _origin(cell):
        return False
    written = {name: value for name, value in yaml_files.read(file).items() if name != "output_dir"}
    return bool(written == yaml_files.parse(yaml_files.dump(elsewhere(cell.recipe)), cell.name))


def _origin(cell: Cell) -> str:
    return json.dumps(cell.origin, indent=2, sort_keys=True) + "\n"
