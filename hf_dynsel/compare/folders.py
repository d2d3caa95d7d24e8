"""Says of a run's folder whether the run is finished, can be resumed, or was another."""

import logging
import shutil

from transformers.trainer_utils import get_last_checkpoint

from hf_dynsel import yaml_files
from hf_dynsel.compare.cells import Cell, elsewhere

logger = logging.getLogger(__name__)

SUMMARY, RECIPE = "summary.json", "recipe.yaml"


def finished(cell: Cell) -> bool:
    """Returns whether a run of the very same recipe has left its summary."""
    return (cell.recipe.folder / SUMMARY).is_file() and is_of(cell)


def clear(cell: Cell) -> bool:
    """Returns whether there is a checkpoint to resume; a run of another recipe is deleted."""
    folder = cell.recipe.folder
    if folder.exists() and not is_of(cell):
        logger.info("compare: replacing %s, which is of another recipe", folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return get_last_checkpoint(str(folder)) is not None


def is_of(cell: Cell) -> bool:
    """Returns whether the recipe in the folder is that of the run, paths of folders aside."""
    file = cell.recipe.folder / RECIPE
    if not file.is_file():
        return False
    written = {name: value for name, value in yaml_files.read(file).items() if name != "output_dir"}
    return bool(written == yaml_files.parse(yaml_files.dump(elsewhere(cell.recipe)), cell.name))
