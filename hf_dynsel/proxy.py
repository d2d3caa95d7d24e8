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

from hf_dynsel import provenance
from hf_dynsel.collect import CollectScores
from hf_dynsel.distributed import only_main, processes
from hf_dynsel.features.checkpoint import hash_weights
from hf_dynsel.ledger import Ledger
from hf_dynsel.preparing import build_model, model_view
from hf_dynsel.proxy_section import PROXY_COLUMNS, build_scores
from hf_dynsel.recipe import Recipe
from hf_dynsel.scores import save_scores
from hf_dynsel.scores.columns import read_column
from hf_dynsel.selectors import FullData
from hf_dynsel.stage_cache import COST, cache_dir, cache_key, charged
from hf_dynsel.trainer import DynamicSelectionTrainer

logger = logging.getLogger(__name__)

RUN, VECTORS = "run.safetensors", "proxy.safetensors"
OWN = {  # arguments of the trainer that a proxy sets itself
    "save_strategy": "no",
    "eval_strategy": "no",
    "eval_on_start": False,
    "logging_strategy": "no",
    "load_best_model_at_end": False,
    "push_to_hub": False,
    "match_compute": False,
    "log_selections": False,
    "dataloader_drop_last": False,
    "max_steps": -1,
}
IDLE = (  # beginnings of the names of arguments that change nothing of what a proxy gives
    "dataloader_num_workers",
    "dataloader_persistent",
    "dataloader_pin",
    "dataloader_prefetch",
    "disable_tqdm",
    "eval_",
    "greater_is_better",
    "hub_",
    "logging_",
    "metric_for_best",
    "per_device_eval",
    "report_to",
    "run_name",
    "save_",
)


def collect_proxy(recipe: Recipe, train: Dataset, ledger: Ledger) -> Path:
    """Returns the folder of what proxy models gave, trained if they were not yet.

    The proxies are models of the recipe, trained on all of the data by its trainer's arguments,
    each from another seed. All scores are collected in the same pass. Each training is kept as
    soon as it is done, so that an interruption, or a larger number of them, costs no other.
    Several processes train each together, as they do the recipe's own model: a batch is that of
    all of them, so what another number of processes gave is kept apart.
    """
    runs = [_run(recipe, train, seed, ledger) for seed in _seeds(recipe)]
    folder = proxy_dir() / cache_key([run.name for run in runs])
    only_main(lambda: _join(recipe, train, runs, folder))
    return folder


def proxy_columns(folder: Path) -> Mapping[str, Float[ndarray, "n d"]]:
    """Returns what the proxies left of each sample: features and errors, if they were asked to."""
    file = folder / VECTORS
    return load_file(file) if file.is_file() else {}


def is_collected(recipe: Recipe, train: Dataset) -> bool:
    """Returns whether the proxies of a recipe are in the cache."""
    return all((_folder(recipe, train, seed) / COST).is_file() for seed in _seeds(recipe))


def proxy_dir() -> Path:
    """Returns where what proxies gave is kept."""
    return cache_dir() / "proxy"


def _seeds(recipe: Recipe) -> list[int]:
    runs = (recipe.proxy or {}).get("runs", 1)
    return [recipe.seed + 1000 * (number + 1) for number in range(runs)]  # not that of the run


def _collector(recipe: Recipe) -> CollectScores:
    settings = recipe.proxy or {}
    wanted = build_scores(settings.get("scores") or {})
    return CollectScores(wanted, vectors=settings.get("vectors", False))


def _run(recipe: Recipe, train: Dataset, seed: int, ledger: Ledger) -> Path:
    """Returns the folder of one training."""
    folder = _folder(recipe, train, seed)
    with charged(ledger, folder) as reused:
        if reused:
            logger.info("proxy: training of seed %d reused from %s", seed, folder)
        else:
            collect = _collector(recipe)
            folder.mkdir(parents=True, exist_ok=True)
            with ledger.timed("proxy"):
                _train(recipe, train, collect, seed, folder)
            only_main(lambda: collect.save(folder / RUN))
    return folder


def _join(recipe: Recipe, train: Dataset, runs: list[Path], folder: Path) -> None:
    if (folder / "done").is_file():
        return
    collect = _collector(recipe)
    for run in runs:
        collect.include(run / RUN)
    scored = collect.add_to(train, same_rows=True)
    folder.mkdir(parents=True, exist_ok=True)
    settings = recipe.proxy or {}
    if settings.get("vectors", False):
        save_file({name: read_column(scored, name) for name in PROXY_COLUMNS}, folder / VECTORS)
        scored = scored.remove_columns(list(PROXY_COLUMNS))
    if settings.get("scores"):
        save_scores(scored, folder, hashed=False)
    (folder / "done").touch()
    logger.info("proxy: what it gave is kept in %s", folder)


def _train(recipe: Recipe, train: Dataset, collect: CollectScores, seed: int, folder: Path) -> None:
    model, tokenizer = build_model(recipe, train, seed)
    work = folder / "work"
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
    only_main(lambda: shutil.rmtree(work, ignore_errors=True))


def _arguments(recipe: Recipe) -> dict[str, Any]:
    return {**recipe.trainer, **OWN, "num_train_epochs": recipe.proxy_epochs}


def _folder(recipe: Recipe, train: Dataset, seed: int) -> Path:
    settings = recipe.proxy or {}
    scores = build_scores(settings.get("scores") or {})
    parts: dict[str, Any] = {
        "data": provenance.fingerprint(train),
        "view": recipe.model,
        **({"decode_once": True} if recipe.decodes_once else {}),  # it draws other crops
        # Of a name or a file, whose weights may be others by now.
        "weights": hash_weights(build_model(recipe, train, seed)[0]),
        "trainer": {k: v for k, v in _arguments(recipe).items() if not k.startswith(IDLE)},
        "scores": {score.name: score.config() for score in scores},
        "vectors": settings.get("vectors", False),
        "seed": seed,
    }
    if (count := processes().num_processes) > 1:  # a batch is that of all of them together
        parts["processes"] = count
    return proxy_dir() / cache_key(parts)
