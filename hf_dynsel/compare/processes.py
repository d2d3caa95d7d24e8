"""Runs several cells at once, each in a process with its own device or share of the threads."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import sleep

from hf_dynsel import yaml_files
from hf_dynsel.compare.cells import Cell
from hf_dynsel.compare.folders import RECIPE, clear
from hf_dynsel.ledger import Ledger
from hf_dynsel.recipe import load
from hf_dynsel.stages import load_data, score

logger = logging.getLogger(__name__)

Place = Mapping[str, str]
Process = subprocess.Popen[bytes]
LOG = "run.log"
POLL, GRACE = 0.1, 30.0  # seconds
CHARGED = ("features", "proxy", "scores")  # what costs time before training
MADE_FROM = ("seed", "dataset", "model", "features", "sae", "adapters", "proxy", "scores")
_TRAIN = "import sys; from hf_dynsel.cli import main; sys.exit(main())"
_PREPARE = "import sys; from hf_dynsel.compare.processes import prepare; prepare(sys.argv[1])"


def run_apart(
    cells: Sequence[Cell],
    places: Sequence[Place],
    start: Callable[[Cell, bool, Place], Process] | None = None,
) -> dict[str, str]:
    """Returns the errors of the runs that failed, by name, after all were run.

    At each place, one process runs at a time. When this process is interrupted, it ends them.

    Args:
        cells: to run, in this order.
        places: what the environment of a process gets.
        start: starts a run, or resumes it.
    """
    waiting, free, failed = deque(cells), list(places), {}
    running: dict[Process, tuple[Cell, Place]] = {}
    try:
        while waiting or running:
            while waiting and free:
                cell, place = waiting.popleft(), free.pop(0)
                logger.info("compare: %s, %d more to start", cell.name, len(waiting))
                running[(start or start_training)(cell, clear(cell), place)] = cell, place
            sleep(POLL)
            for process in [one for one in running if one.poll() is not None]:
                cell, place = running.pop(process)
                free.append(place)
                if process.returncode:
                    failed[cell.name] = _last_words(process.returncode, cell.recipe.folder)
    finally:
        end(list(running))
    return failed


def start_training(cell: Cell, resume: bool, place: Place) -> Process:
    """Returns the process of `hf-dynsel train`, whose output goes to a file beside the run."""
    file = cell.recipe.folder / RECIPE
    yaml_files.write(cell.recipe.plain(), file)
    return _child([_TRAIN, "train", str(file), *(["--resume"] if resume else [])], place, file)


def end(running: Sequence[Process]) -> None:
    """Ends processes, and waits until they are gone; one that does not stop in time is killed."""
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def prepare_all(cells: Sequence[Cell], place: Place) -> None:
    """Computes what several runs read, once each, so that runs at once do not do it twice."""
    distinct = {}
    for cell in cells:
        plain = cell.recipe.plain()
        if any(name in plain for name in CHARGED):
            made_from = {name: plain.get(name) for name in MADE_FROM}
            distinct[json.dumps(made_from, sort_keys=True, default=str)] = cell
    for number, cell in enumerate(distinct.values(), 1):
        logger.info("compare: preparing %d of %d, for %s", number, len(distinct), cell.name)
        clear(cell)
        file = cell.recipe.folder / RECIPE
        yaml_files.write(cell.recipe.plain(), file)
        process = _child([_PREPARE, str(file)], place, file)
        try:
            process.wait()  # should it fail, so will the run, and say why
        finally:
            end([process])


def prepare(file: str) -> None:
    """Computes and keeps what a recipe's selector reads."""
    recipe = load(file)
    score(recipe, load_data(recipe)["train"], Ledger())


def _child(words: list[str], place: Place, file: Path) -> Process:
    environment = {**os.environ, **place}
    with (file.parent / LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", *words], env=environment, stdout=log, stderr=log
        )


def _last_words(status: int, folder: Path) -> str:
    if status < 0:
        return f"ended by {signal.Signals(-status).name}; see {folder / LOG}"
    lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f"{said[-1] if said else f'exit status {status}'}; see {folder / LOG}"
