"""Trains proxy models, of which scores are collected that ask for a training."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets import Dataset
from jaxtyping import Float
from numpy import ndarray
from safetensors.numpy import load_file, save_file
from transformers import PrinterCallback, ProgressCallback

from hf_dynsel import provenance, scores
from hf_dynsel.collect import CollectScores
from hf_dynsel.ledger import Ledger
from hf_dynsel.preparing import build_model, model_view
from hf_dynsel.recipe import Recipe
from hf_dynsel.recipe_sections import PROXY_COLUMNS
from hf_dynsel.scores import save_scores
from hf_dynsel.scores.columns import read_column
from hf_dynsel.selectors import FullData
from hf_dynsel.stage_cache import cache_dir, cache_key, charged
from hf_dynsel.trainer import DynamicSelectionTrainer

logger = logging.getLogger(__name__)

VECTORS = "proxy.safetensors"
NO_PART = {  # of the trainer's arguments: what neither costs nor changes the training
    "save_strategy": "no",
    "eval_strategy": "no",
    "logging_strategy": "no",
    "load_best_model_at_end": False,
    "push_to_hub": False,
    "match_compute": False,
    "log_selections": False,
    "max_steps": -1,
}


def collect_proxy(recipe: Recipe, train: Dataset, ledger: Ledger) -> Path:
    """Returns the folder of the scores that proxy models gave, trained if they were not yet.

    The proxies are models of the recipe, trained on all of the data by its trainer's arguments,
    each from another seed. All scores are collected in the same pass.
    """
    folder = cache_dir() / "proxy" / _key(recipe, train)
    with charged(ledger, folder) as reused:
        if reused:
            logger.info("proxy: scores reused from %s", folder)
        else:
            with ledger.timed("proxy"):
                _collect(recipe, train, folder)
            logger.info("proxy: scores kept in %s", folder)
    return folder


def proxy_columns(folder: Path) -> Mapping[str, Float[ndarray, "n d"]]:
    """Returns what the proxies left of each sample: features and errors, if they were asked to."""
    file = folder / VECTORS
    return load_file(file) if file.is_file() else {}


def _collect(recipe: Recipe, train: Dataset, folder: Path) -> None:
    settings = recipe.proxy or {}
    wanted = [_score(name, given or {}) for name, given in settings.get("scores", {}).items()]
    collect = CollectScores(wanted, vectors=settings.get("vectors", False))
    work = folder.with_name(f"{folder.name}.work")
    try:
        for number in range(settings.get("runs", 1)):
            _train(recipe, train, collect, _seed(recipe, number), work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    scored = collect.add_to(train, same_rows=True)
    folder.mkdir(parents=True, exist_ok=True)
    if settings.get("vectors", False):
        save_file({n: read_column(scored, n) for n in PROXY_COLUMNS}, folder / VECTORS)
    save_scores(scored.remove_columns(_present(scored)), folder, hashed=False)


def _score(name: str, settings: Mapping[str, Any]) -> Any:
    """Returns a score of a recipe's settings, in which YAML has lists for tuples."""
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    return getattr(scores, name)(**given)


def _present(dataset: Dataset) -> list[str]:
    return [name for name in PROXY_COLUMNS if name in dataset.column_names]


def _train(recipe: Recipe, train: Dataset, collect: CollectScores, seed: int, work: Path) -> None:
    model, tokenizer = build_model(recipe, train, seed)
    own = replace(recipe, seed=seed, trainer=_arguments(recipe), output_dir=str(work))
    trainer = DynamicSelectionTrainer(
        model=model,
        args=own.build_arguments(),
        train_dataset=model_view(recipe, train, True, tokenizer),
        processing_class=tokenizer,
        selector=FullData(seed=seed),
        clean_dataset=model_view(recipe, train, False, tokenizer),
        callbacks=[collect],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    trainer.train()


def _arguments(recipe: Recipe) -> dict[str, Any]:
    epochs = (recipe.proxy or {}).get("epochs", recipe.trainer.get("num_train_epochs", 3))
    return {**recipe.trainer, **NO_PART, "num_train_epochs": epochs}


def _seed(recipe: Recipe, number: int) -> int:
    return recipe.seed + 1000 * (number + 1)  # not that of the training which is to come


def _key(recipe: Recipe, train: Dataset) -> str:
    parts: dict[str, Any] = {
        "data": provenance.fingerprint(train),
        "model": recipe.model,
        "trainer": _arguments(recipe),
        "proxy": recipe.proxy,
        "seed": recipe.seed,
    }
    return cache_key(parts)
