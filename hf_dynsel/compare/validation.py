"""Measures a run on a validation split; the test split takes no part in it."""

import json
from dataclasses import asdict, dataclass

from hf_dynsel.compare.cells import Cell
from hf_dynsel.compare.folders import clear, is_of
from hf_dynsel.ledger import Ledger
from hf_dynsel.run import build_trainer, prepare_folder
from hf_dynsel.stages import load_data

FILE = "validation.json"


@dataclass(frozen=True)
class Validated:
    """What a run reached and took.

    Args:
        value: of the recipe's first metric, on the validation split.
        samples_trained: samples that received a gradient.
        seconds: training and overhead.
    """

    value: float
    samples_trained: int
    seconds: float


def validate(cell: Cell) -> Validated:
    """Returns what a run reaches on the validation split; a finished one is not run again."""
    recipe, file = cell.recipe, cell.recipe.folder / FILE
    if file.is_file() and is_of(cell):
        return Validated(**json.loads(file.read_text()))
    resume, ledger = clear(cell), Ledger()
    prepare_folder(recipe, resume=resume)
    trainer, held_out = build_trainer(recipe, load_data(recipe), ledger)
    trainer.train(resume_from_checkpoint=resume)
    metrics = trainer.evaluate(held_out)
    spent = trainer.ledger
    seconds = {**ledger.seconds, **spent.seconds}
    seconds.pop("eval", None)
    value = metrics[f"eval_{recipe.metrics[0]}"]
    found = Validated(value, spent.samples_trained, sum(seconds.values()))
    partial = file.with_suffix(".tmp")
    partial.write_text(json.dumps(asdict(found)) + "\n")
    partial.replace(file)
    return found
