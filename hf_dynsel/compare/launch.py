"""Runs what is not done yet, here or several at once; a run that fails stops no other."""

import gc
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from hf_dynsel.compare.cells import Cell
from hf_dynsel.compare.folders import clear, finished
from hf_dynsel.compare.places import places, visible_devices
from hf_dynsel.compare.processes import prepare_all, run_apart
from hf_dynsel.run import run

logger = logging.getLogger(__name__)


def run_all(cells: Sequence[Cell], jobs: int | None = None) -> dict[str, str]:
    """Returns the errors of the runs that failed, by name; those that are finished stay.

    Args:
        cells: to run, in this order.
        jobs: how many at once; by default one per CUDA device.
    """
    distinct: dict[Path, Cell] = {}
    for cell in cells:
        distinct.setdefault(cell.recipe.folder, cell)
    todo = [cell for cell in distinct.values() if not finished(cell)]
    logger.info("compare: %d of %d runs are done", len(distinct) - len(todo), len(distinct))
    devices = visible_devices()
    found = places(jobs, devices, torch.get_num_threads())
    if len(found) == 1 and len(devices) < 2:
        return run_here(todo)
    prepare_all(todo, found[0])
    return run_apart(todo, found)


def train(cell: Cell, resume: bool) -> None:
    """Does all stages of a run, as `hf-dynsel train` does."""
    run(cell.recipe, report=False, resume=resume)


def run_here(cells: Sequence[Cell], train: Callable[[Cell, bool], None] = train) -> dict[str, str]:
    """Returns the errors of the runs that failed, by name, after one after another was run."""
    failed = {}
    for number, cell in enumerate(cells, 1):
        logger.info("compare: run %d of %d, %s", number, len(cells), cell.name)
        try:
            train(cell, clear(cell))
        except Exception as error:  # what one run dies of, the others may not
            logger.exception("compare: %s failed", cell.name)
            failed[cell.name] = f"{type(error).__name__}: {error}"
        if torch.accelerator.is_available():
            gc.collect()  # a trainer is part of cycles, which hold the model on the device
    return failed
