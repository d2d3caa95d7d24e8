"""Measures a run on a validation split; the test split takes no part in it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from datasets import Dataset, DatasetDict

from hf_dynsel.compare.cells import Cell
from hf_dynsel.compare.folders import clear, is_of
from hf_dynsel.data.split import split_dataset
from hf_dynsel.ledger import Ledger
from hf_dynsel.provenance import fingerprint
from hf_dynsel.run import build_trainer, prepare_folder
from hf_dynsel.stages import load_data

FILE = "validation.json"
HELD_OUT = 0.2  # of the training set, where the data has no validation split


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
    trainer, held_out = build_trainer(recipe, without_test(load_data(recipe), recipe.seed), ledger)
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


def without_test(splits: Mapping[str, Dataset], seed: int) -> DatasetDict:
    """Returns splits whose test split is the validation split.

    Where there is none, a fifth of the training set is held out, each class in proportion. Labels
    that a recipe redraws are then redrawn in it, too.

    Args:
        splits: of the data.
        seed: which rows are held out.

    Raises:
        ValueError: if the validation split is the test split.
    """
    if "validation" not in splits:
        train, held_out = split_dataset(splits["train"], HELD_OUT, seed).values()
        return DatasetDict(train=train, validation=held_out, test=held_out)
    if fingerprint(splits["validation"]) == fingerprint(splits["test"]):
        raise ValueError(
            "the validation split is the test split: what is chosen on it cannot be tested on it. "
            "Leave the validation split out, and a fifth of the training set takes its place"
        )
    return DatasetDict(
        train=splits["train"], validation=splits["validation"], test=splits["validation"]
    )
