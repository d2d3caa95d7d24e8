"""The stages before training: data, features, codes, adapters and scores, each kept once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from datasets import Dataset, DatasetDict

from hf_dynsel import data, provenance
from hf_dynsel.core import Pool
from hf_dynsel.data import add_label_noise, stratified_subset
from hf_dynsel.data.held_out import without_test
from hf_dynsel.data.long_tail import long_tailed
from hf_dynsel.distributed import only_main
from hf_dynsel.encoding import (
    adapters_key,
    backbone_of,
    check_adapters,
    compare_with_texts,
    encode,
    featured,
    sae_key,
)
from hf_dynsel.ledger import Ledger
from hf_dynsel.pool import pool_of
from hf_dynsel.proxy import collect_proxy, proxy_columns
from hf_dynsel.proxy_section import PROXY_COLUMNS, build_scores
from hf_dynsel.recipe import Recipe
from hf_dynsel.scores import attach, load_scores, save_scores
from hf_dynsel.scores.active import CODE_COLUMNS
from hf_dynsel.scores.columns import read_column
from hf_dynsel.scoring import score_together
from hf_dynsel.stage_cache import cache_dir, cache_key, charged

logger = logging.getLogger(__name__)

SAE, ADAPTERS = "sae", "adapters"  # folders beside the scores


def load_data(recipe: Recipe) -> DatasetDict:
    """Returns the splits of the recipe's dataset, the training one cut and noised as it says."""
    settings = dict(recipe.dataset)
    loader = data.LOADERS[settings.pop("loader")]
    for of_others in ("show_texts", "decode_once"):
        settings.pop(of_others, None)
    size, noise = settings.pop("train_size", None), settings.pop("label_noise", None)
    subset_seed, of_test = settings.pop("subset_seed", recipe.seed), settings.pop("eval_size", None)
    on_test, ratio = settings.pop("evaluate_on", "test") == "test", settings.pop("long_tail", None)
    splits = loader(**settings)
    if not on_test:
        splits = without_test(splits, subset_seed)
    if of_test is not None:
        splits["test"] = stratified_subset(splits["test"], of_test)
    if size is not None:
        splits["train"] = stratified_subset(splits["train"], size, subset_seed)
    if ratio is not None:
        splits["train"] = long_tailed(splits["train"], ratio, subset_seed)
    if noise is not None:
        splits["train"] = add_label_noise(splits["train"], **{"seed": recipe.seed, **noise})
    counts = ", ".join(f"{len(split)} {name}" for name, split in splits.items())
    logger.info("data: %s rows", counts)
    return splits


@dataclass(frozen=True)
class Scored:
    """A training set with what its selector needs.

    Args:
        dataset: with its score columns.
        columns: several numbers per sample, those the selector reads.
        folder: that holds the scores and what was trained for them; None without scores.
    """

    dataset: Dataset
    columns: Mapping[str, np.ndarray]
    folder: Path | None

    def pool(self) -> Pool:
        """Returns the pool to select from."""
        plain = pool_of(self.dataset)
        return replace(plain, columns=self.columns)


def score(recipe: Recipe, train: Dataset, ledger: Ledger) -> Scored:
    """Returns the training set with its score columns, and the columns that the selector reads.

    Scores of the same data and the same settings are read from the cache, and so are features,
    autoencoders, adapters and what proxies gave; the ledger is charged what they cost when they
    were computed. Several processes do this together, each calling it: they share the forward
    passes, the training of autoencoders, their codes and the scores of these. Adapters and scores
    of other columns are the main one's work; proxies are trained by all, as the run's model is.

    Memory of each process, beside its share of the dataset's own and one batch: features of up to
    4 GiB, while an autoencoder is trained on them (larger ones are read from disk); then 8 k bytes
    for each of its rows, for k units, and 60 per active one; and 16 for each row of all, for the
    classes. Scores of features hold all of these in the main process.
    """
    _require_apart(recipe)
    scored, proxy, folder = train, None, None
    if recipe.proxy:
        proxy = collect_proxy(recipe, train, ledger)
    if recipe.scores:
        loaded = "from" in recipe.scores
        scored, folder = (_shared_scores if loaded else _own_scores)(recipe, train, ledger)
    if proxy is not None and (recipe.proxy or {}).get("scores"):
        scored, folder = attach(scored, load_scores(proxy)), folder or proxy
    return Scored(scored, _columns(recipe, train, ledger, proxy), folder)


def _require_apart(recipe: Recipe) -> None:
    """Raises ValueError, before proxies are trained, if loaded scores would be collected again."""
    if not recipe.proxy or "from" not in (recipe.scores or {}):
        return
    assert recipe.scores is not None
    loaded = load_scores(recipe.scores["from"], recipe.scores.get("revision")).columns
    for score in build_scores(recipe.proxy.get("scores") or {}):
        if f"score_{score.name}" in loaded:
            raise ValueError(
                f"the score '{score.name}' is among those loaded from {recipe.scores['from']} and "
                f"among those of the proxy; leave out proxy.scores.{type(score).__name__}"
            )


def _columns(
    recipe: Recipe, train: Dataset, ledger: Ledger, proxy: Path | None
) -> dict[str, np.ndarray]:
    """Returns the columns of several numbers per sample that the selector reads."""
    reads = recipe.build_selector().reads()
    given = proxy_columns(proxy) if proxy is not None and reads & set(PROXY_COLUMNS) else {}
    columns = {name: array for name, array in given.items() if name in reads}
    if encoded := sorted(reads - set(PROXY_COLUMNS)):
        # Own scores were charged for all that was made of the data, these columns included.
        own = bool(recipe.scores) and "from" not in (recipe.scores or {})
        dataset = featured(recipe, train, Ledger() if own else ledger)
        if set(CODE_COLUMNS) & set(encoded):
            dataset = encode(recipe, dataset, Ledger() if own else ledger)[0]
        columns |= {name: read_column(dataset, name) for name in encoded}
    return columns


def _own_scores(recipe: Recipe, train: Dataset, ledger: Ledger) -> tuple[Dataset, Path]:
    assert recipe.scores is not None
    folder = cache_dir() / "scores" / _scores_key(recipe, train)
    with charged(ledger, folder) as reused:
        if reused:
            logger.info("features and what is made of them: not needed again")
            logger.info("scores: reused from %s", folder)
        else:
            _compute(recipe, train, ledger, folder)
            logger.info("scores: %s kept in %s", ", ".join(recipe.scores), folder)
    return attach(train, load_scores(folder)), folder


def _shared_scores(recipe: Recipe, train: Dataset, ledger: Ledger) -> tuple[Dataset, Path]:
    """Returns the training set with loaded scores, and those of its rows in the run folder."""
    assert recipe.scores is not None
    loaded = load_scores(recipe.scores["from"], recipe.scores.get("revision"))
    logger.info("scores: read from %s", loaded.source)
    scored, folder = attach(train, loaded), recipe.folder / "scores"
    only_main(lambda: save_scores(scored, folder, hashed=False))
    return scored, folder


def _compute(recipe: Recipe, train: Dataset, ledger: Ledger, folder: Path) -> None:
    """Saves the scores in the folder, and what was trained for them."""
    assert recipe.scores is not None
    wanted, scored = build_scores(recipe.scores), train
    if recipe.adapters:
        check_adapters(recipe, train)
    if recipe.features:
        scored = featured(recipe, train, ledger)
    if recipe.sae:
        scored, sae = encode(recipe, scored, ledger)
        only_main(lambda: sae.save_pretrained(folder / SAE))
    if recipe.adapters:
        scored = compare_with_texts(recipe, scored, ledger, folder / ADAPTERS)
    with ledger.timed("scores"):
        score_together(scored, wanted, folder)


def _scores_key(recipe: Recipe, train: Dataset) -> str:
    return cache_key(
        {
            "data": provenance.fingerprint(train),
            "features": backbone_of(recipe).identity() if recipe.features else None,
            "sae": recipe.sae and sae_key(recipe),
            "adapters": recipe.adapters and adapters_key(recipe),
            "scores": recipe.scores,
        }
    )
