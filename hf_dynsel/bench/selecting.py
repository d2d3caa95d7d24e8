"""One training on what a selector picks, from its scores to its last epoch, timed."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from datasets import Dataset
from transformers import EvalPrediction, PrinterCallback

from hf_dynsel.arguments import DynamicSelectionArguments
from hf_dynsel.bench.course import Clock
from hf_dynsel.bench.images import network
from hf_dynsel.bench.quiet import QUIET
from hf_dynsel.core import Pool, Selector
from hf_dynsel.features import Pixels, extract
from hf_dynsel.ledger import Ledger
from hf_dynsel.pool import pool_of
from hf_dynsel.sae import add_codes, train_sae
from hf_dynsel.scores import Diversity, Representativeness, add_scores
from hf_dynsel.selectors import RepDiv
from hf_dynsel.trainer import DynamicSelectionTrainer

ARCHITECTURE, BATCH_SIZE = "small_cnn", 32


@dataclass(frozen=True)
class Task:
    """What all methods train on.

    Args:
        rows: images as they are stored, to be scored.
        train: the same, as tensors.
        test: others, as tensors.
        epochs: of every method; the learning rate falls to zero over each one's own steps.
    """

    rows: Dataset
    train: Dataset
    test: Dataset
    epochs: int


def select_and_train(task: Task, selector: Selector) -> tuple[Clock, Mapping[str, float]]:
    """Returns the course of a training, and the seconds of its stages.

    The scores that `RepDiv` ranks by are computed for each training anew: nobody has shared them.
    """
    with tempfile.TemporaryDirectory() as folder:
        model, args = network(ARCHITECTURE, selector.seed), _arguments(task, selector, folder)
        ledger, clock = Ledger(), Clock()
        ranks = isinstance(selector, RepDiv)
        pool = _scored(task.rows, folder, selector.seed, ledger) if ranks else None
        trainer = DynamicSelectionTrainer(
            model,
            args,
            train_dataset=task.train,
            eval_dataset=task.test,
            compute_metrics=_accuracy,
            callbacks=[clock],
            selector=selector,
            pool=pool,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return clock, {**ledger.seconds, **trainer.ledger.seconds}


def _arguments(task: Task, selector: Selector, folder: str) -> DynamicSelectionArguments:
    return DynamicSelectionArguments(
        output_dir=folder,
        num_train_epochs=task.epochs,
        per_device_train_batch_size=BATCH_SIZE,
        per_device_eval_batch_size=500,
        learning_rate=3e-3,
        lr_scheduler_type="cosine",
        eval_strategy="epoch",
        seed=selector.seed,
        **QUIET,
    )


def _scored(rows: Dataset, folder: str, seed: int, ledger: Ledger) -> Pool:
    with ledger.timed("features"):
        featured = extract(rows, Pixels(pca=64), cache_dir=folder)
    with ledger.timed("sae"):
        sae = train_sae(featured, expansion=8, k=16, seed=seed, progress=False)
        coded = add_codes(featured, sae)
    with ledger.timed("scores"):
        return pool_of(add_scores(coded, [Representativeness(), Diversity()]))


def _accuracy(prediction: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float((prediction.predictions.argmax(1) == prediction.label_ids).mean())}
