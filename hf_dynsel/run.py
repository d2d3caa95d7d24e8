"""Runs a recipe: data, scores, training, evaluation and report, into one folder."""

import json
import logging
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from accelerate import PartialState
from datasets import Dataset, DatasetDict
from transformers import PrinterCallback, ProgressCallback

from hf_dynsel import yaml_files
from hf_dynsel.console import EpochLines
from hf_dynsel.data import DecodedImages, wrong_labels
from hf_dynsel.data.source import source_of
from hf_dynsel.distributed import only_main
from hf_dynsel.environment import environment
from hf_dynsel.ledger import Ledger
from hf_dynsel.metrics import compute_metrics
from hf_dynsel.noise_summary import noise_summary
from hf_dynsel.preparing import build_model, model_view
from hf_dynsel.proxy import VECTORS, proxy_dir
from hf_dynsel.publish import publish_all, require_ready
from hf_dynsel.recipe import Recipe
from hf_dynsel.report import write_report
from hf_dynsel.report.balance import warning
from hf_dynsel.report.evaluations import evaluations
from hf_dynsel.report.summary import read_summary
from hf_dynsel.scores import save_scores
from hf_dynsel.selection_log import FILE as SELECTIONS
from hf_dynsel.stage_cache import COST
from hf_dynsel.stages import ADAPTERS, SAE, Scored, load_data, score
from hf_dynsel.trainer import DynamicSelectionTrainer
from hf_dynsel.usage import gini, never_used

logger = logging.getLogger(__name__)


def run(recipe: Recipe, *, report: bool = True, resume: bool = False) -> Path:
    """Returns the run folder, after all stages of the recipe; finished stages are reused.

    Several processes, such as those of torchrun, score and train together, and the main one writes.
    They share the run folder and the cache.

    Args:
        recipe: what to run.
        report: whether to write report.html, the figures and the model card.
        resume: continue from the last checkpoint in the folder.

    Raises:
        OSError: if the folder cannot be written, before any work.
        ValueError: as the stages do.
    """
    require_ready(recipe)
    meet(recipe)
    only_main(lambda: prepare_folder(recipe, resume=resume))
    folder, ledger = recipe.folder, Ledger()
    splits = load_data(recipe)
    trainer, test = build_trainer(recipe, splits, ledger)
    trainer.train(resume_from_checkpoint=True if resume else None)
    metrics = trainer.evaluate(test, metric_key_prefix="test")
    trainer.save_model(str(folder / "model"))
    results = trainer, metrics, ledger, splits["train"]
    only_main(lambda: _leave(recipe, *results, report=report))
    return folder


def score_only(recipe: Recipe) -> Path:
    """Returns the folder of the recipe's scores, computed if they are not there yet.

    An `output_dir` gets a copy of them, and of the autoencoder and the adapters they were made
    with, as a run's folder does. Several processes score together, each calling this.

    Raises:
        ValueError: if the recipe has no scores.
    """
    if not (recipe.scores or recipe.proxy):
        raise ValueError(f"the recipe '{recipe.name}' has no section 'scores' or 'proxy'")
    meet(recipe)
    scored = score(recipe, load_data(recipe)["train"], Ledger())
    if recipe.output_dir is not None:
        only_main(lambda: _copy_scores(scored.folder, recipe.folder))
    only_main(lambda: _together(recipe, scored))
    return _joint_folder(recipe) or scored.folder or proxy_dir()


def meet(recipe: Recipe) -> None:
    """Joins the processes of a launcher, by `use_cpu` and `ddp_timeout` of the recipe's trainer.

    So long may one process work while others wait for it, such as on a score of all rows.
    """
    seconds = recipe.trainer.get("ddp_timeout", 1800)
    PartialState(cpu=recipe.trainer.get("use_cpu", False), timeout=timedelta(seconds=seconds))


def prepare_folder(recipe: Recipe, *, resume: bool = False) -> Path:
    """Returns the run folder, which exists and can be written, with the complete recipe in it."""
    folder = recipe.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "summary.json").unlink(missing_ok=True)  # of an earlier run in this folder
        if not resume:
            (folder / SELECTIONS).unlink(missing_ok=True)
        yaml_files.write(recipe.plain(), folder / "recipe.yaml")
    except OSError as error:
        raise OSError(
            f"the run folder {folder} cannot be written ({error.strerror}); set output_dir to one "
            "that can"
        ) from error
    return folder


def build_trainer(
    recipe: Recipe, splits: DatasetDict, ledger: Ledger
) -> tuple[DynamicSelectionTrainer, Dataset | DecodedImages]:
    """Returns the recipe's trainer and its prepared test set. Scores the data on the way.

    Raises:
        ValueError: if the best checkpoint is to be chosen without a validation split.
    """
    if "validation" not in splits and recipe.trainer.get("load_best_model_at_end"):
        raise ValueError(
            "trainer.load_best_model_at_end: the data has no validation split, and choosing on the "
            "test split would spoil its result; give the loader a validation_size"
        )
    train = splits["train"]
    # First: its faults are found before scoring.
    model, tokenizer = build_model(recipe, train, recipe.seed)
    scored = score(recipe, train, ledger)
    only_main(lambda: _copy_scores(scored.folder, recipe.folder))
    only_main(lambda: _together(recipe, scored))
    views = {
        name: model_view(
            recipe, scored.dataset if name == "train" else split, name == "train", tokenizer
        )
        for name, split in splits.items()
    }
    trainer = DynamicSelectionTrainer(
        model=model,
        args=recipe.build_arguments(),
        train_dataset=views["train"],
        eval_dataset=views.get("validation", views["test"]),
        processing_class=tokenizer,
        compute_metrics=compute_metrics(recipe.metrics),
        selector=recipe.build_selector(),
        pool=scored.pool(),
        clean_dataset=model_view(recipe, scored.dataset, False, tokenizer),
        augment=recipe.build_augmenter(),
        mixing=recipe.build_mixing(len(train.features["label"].names)),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    if trainer.is_world_process_zero():
        trainer.add_callback(EpochLines())
    return trainer, views["test"]


def _together(recipe: Recipe, scored: Scored) -> None:
    """Saves scores of proxies and others, which have a folder each in the cache, in the run's."""
    if (folder := _joint_folder(recipe)) is not None:
        save_scores(scored.dataset, folder, hashed=False)


def _joint_folder(recipe: Recipe) -> Path | None:
    both = recipe.scores and (recipe.proxy or {}).get("scores")
    return recipe.folder / "scores" if both else None


def _copy_scores(folder: Path | None, run: Path) -> None:
    """Puts the scores into the run folder, and what was trained for them, in place of older."""
    trained = (SAE, ADAPTERS)
    for name in trained if folder == run / "scores" else (*trained, "scores"):
        shutil.rmtree(run / name, ignore_errors=True)
    if folder is None:
        return
    if folder != run / "scores":
        ignored = shutil.ignore_patterns(*trained, COST, VECTORS, "done")
        shutil.copytree(folder, run / "scores", dirs_exist_ok=True, ignore=ignored)
    for name in trained:
        if (folder / name).is_dir():
            shutil.copytree(folder / name, run / name, dirs_exist_ok=True)


def _leave(
    recipe: Recipe,
    trainer: DynamicSelectionTrainer,
    metrics: Mapping[str, float],
    ledger: Ledger,
    train: Dataset,
    *,
    report: bool,
) -> None:
    """Writes what a run leaves beside its model, and pushes what the recipe says."""
    _write_results(recipe, trainer, metrics, ledger, train)
    if report:
        trainer.create_model_card(model_name=recipe.name)
        texts = bool(recipe.dataset.get("show_texts", False))
        write_report(recipe.folder, examples=train, show_texts=texts)
    logger.info("results: %s", recipe.folder)
    if told := warning(read_summary(recipe.folder / "summary.json")):
        logger.warning("%s", told)
    for pushed in publish_all(recipe):
        logger.info("%s", pushed.describe())


def _write_results(
    recipe: Recipe,
    trainer: DynamicSelectionTrainer,
    metrics: Mapping[str, float],
    ledger: Ledger,
    train: Dataset,
) -> None:
    history = json.dumps(trainer.state.log_history, indent=1)
    (recipe.folder / "log_history.json").write_text(history + "\n", encoding="utf-8")
    content = summarise(recipe, trainer, metrics, ledger) | {"source": source_of(train)}
    wrong, log = wrong_labels(train), recipe.folder / SELECTIONS
    if wrong is not None and log.is_file():
        content["label_noise"] = noise_summary(wrong, trainer.pool.scores, log)
    summary = json.dumps(content, indent=2)
    # Last and whole: where the summary stands, the run is finished.
    partial = recipe.folder / "summary.json.tmp"
    partial.write_text(summary + "\n", encoding="utf-8")
    partial.replace(recipe.folder / "summary.json")


def summarise(
    recipe: Recipe, trainer: DynamicSelectionTrainer, metrics: Mapping[str, float], ledger: Ledger
) -> dict[str, Any]:
    """Returns the content of summary.json."""
    spent, counts = trainer.ledger, trainer.sampler.usage
    measures = {key.removeprefix("test_"): value for key, value in metrics.items()}
    timings = ("runtime", "per_second", "epoch")
    return {
        "recipe": recipe.name,
        "selector": recipe.selector["name"],
        "keep": trainer.selector.config().get("keep"),
        "seed": recipe.seed,
        "epochs": trainer.run_length.num_epochs,
        "eval": {key: value for key, value in measures.items() if not key.endswith(timings)},
        "samples_per_epoch": spent.samples_per_epoch,
        "samples_trained": spent.samples_trained,
        "samples_forwarded": spent.samples_forwarded,
        "samples_swept": spent.samples_swept,
        "samples_full": trainer.pool.size * trainer.run_length.num_epochs,
        "optimizer_steps": trainer.state.global_step,
        "curve": evaluations(
            trainer.state.log_history, spent.samples_per_epoch, trainer.state.global_step
        ),
        "sweeps": spent.sweeps,
        "seconds": {key: round(s, 4) for key, s in {**ledger.seconds, **spent.seconds}.items()},
        "usage": {
            "never_used": never_used(counts),
            "gini": gini(counts),
            "max": int(counts.max()),
        },
        "environment": environment(),
    }
