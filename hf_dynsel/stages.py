"""The stages before training: data, features, codes, adapters and scores, each kept once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict

from hf_dynsel import data, features, provenance, scores
from hf_dynsel.core import Pool
from hf_dynsel.data import add_label_noise, stratified_subset
from hf_dynsel.features import (
    Adapters,
    Backbone,
    add_cosine,
    class_names,
    class_texts,
    extract,
    train_adapters,
)
from hf_dynsel.features.pairing import encoder_of, require_classes, require_encoder
from hf_dynsel.features.prompts import IMAGE_TEMPLATES, TEXT_TEMPLATES, class_words
from hf_dynsel.ledger import Ledger
from hf_dynsel.pool import pool_of
from hf_dynsel.proxy import collect_proxy, proxy_columns
from hf_dynsel.recipe import Recipe
from hf_dynsel.recipe_sections import EXTRACTION, PROXY_COLUMNS, TRAIN_ADAPTERS, WORDING
from hf_dynsel.sae import SparseAutoencoder, add_codes, train_sae
from hf_dynsel.scores import add_scores, attach, load_scores, save_scores
from hf_dynsel.scores.columns import read_column
from hf_dynsel.stage_cache import cache_dir, cache_key, charged

logger = logging.getLogger(__name__)

SAE, ADAPTERS = "sae", "adapters"  # folders beside the scores


def load_data(recipe: Recipe) -> DatasetDict:
    """Returns the splits of the recipe's dataset, the training one cut and noised as it says."""
    settings = dict(recipe.dataset)
    loader = data.LOADERS[settings.pop("loader")]
    settings.pop("show_texts", None)
    size, noise = settings.pop("train_size", None), settings.pop("label_noise", None)
    subset_seed, of_test = settings.pop("subset_seed", recipe.seed), settings.pop("eval_size", None)
    splits = loader(**settings)
    if of_test is not None:
        splits["test"] = stratified_subset(splits["test"], of_test)
    if size is not None:
        splits["train"] = stratified_subset(splits["train"], size, subset_seed)
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
    were computed.
    """
    scored, proxy = train, None
    if recipe.proxy:
        proxy = collect_proxy(recipe, train, ledger)
        scored = attach(train, load_scores(proxy))
    folder = proxy
    if recipe.scores:
        loaded = "from" in recipe.scores
        scored, folder = (_shared_scores if loaded else _own_scores)(recipe, scored, ledger)
    return Scored(scored, _columns(recipe, train, ledger, proxy), folder)


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
        if "sae_indices" in encoded:
            dataset = _encode(recipe, dataset, Ledger() if own else ledger)[0]
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
            save_scores(_compute(recipe, train, ledger, folder), folder, hashed=False)
            logger.info("scores: %s kept in %s", ", ".join(recipe.scores), folder)
    return attach(train, load_scores(folder)), folder


def _shared_scores(recipe: Recipe, train: Dataset, ledger: Ledger) -> tuple[Dataset, Path]:
    """Returns the training set with loaded scores, and those of its rows in the run folder."""
    assert recipe.scores is not None
    loaded = load_scores(recipe.scores["from"], recipe.scores.get("revision"))
    logger.info("scores: read from %s", loaded.source)
    scored, folder = attach(train, loaded), recipe.folder / "scores"
    save_scores(scored, folder, hashed=False)
    return scored, folder


def _compute(recipe: Recipe, train: Dataset, ledger: Ledger, folder: Path) -> Dataset:
    """Returns the scored training set; what was trained for it is saved in the folder."""
    scored = train.remove_columns([n for n in train.column_names if n.startswith("score_")])
    if recipe.adapters:
        _check_adapters(recipe, train)
    if recipe.features:
        scored = featured(recipe, train, ledger)
    if recipe.sae:
        scored, sae = _encode(recipe, scored, ledger)
        sae.save_pretrained(folder / SAE)
    if recipe.adapters:
        scored = _compare(recipe, scored, ledger, folder / ADAPTERS)
    assert recipe.scores is not None
    wanted = [getattr(scores, name)(**(settings or {})) for name, settings in recipe.scores.items()]
    with ledger.timed("scores"):
        return add_scores(scored, wanted)


def featured(recipe: Recipe, train: Dataset, ledger: Ledger) -> Dataset:
    """Returns the training set with its features, from the cache if they were extracted before."""
    assert recipe.features is not None
    settings = {key: value for key, value in recipe.features.items() if key in EXTRACTION}
    backbone, folder = _backbone(recipe), cache_dir() / "features"
    key = cache_key([provenance.fingerprint(backbone.view(train)), backbone.identity()])
    with charged(ledger, folder / "costs" / key) as reused:
        logger.info("features: %s", f"reused from {folder}" if reused else backbone)
        if reused:
            return extract(train, backbone, cache_dir=folder, **settings)
        with ledger.timed("features"):
            return extract(train, backbone, cache_dir=folder, **settings)


def _backbone(recipe: Recipe) -> Backbone:
    assert recipe.features is not None
    settings = {key: value for key, value in recipe.features.items() if key not in EXTRACTION}
    backbone: Backbone = getattr(features, settings.pop("backbone"))(**settings)
    return backbone


def _encode(recipe: Recipe, featured: Dataset, ledger: Ledger) -> tuple[Dataset, SparseAutoencoder]:
    if "from" in (recipe.sae or {}):
        sae = _load_autoencoder(recipe)
        logger.info("sparse autoencoder: read from %s", sae.source)
    else:
        sae = _autoencoder(recipe, featured, ledger)
    with ledger.timed("sae"):
        return add_codes(featured, sae), sae


def _load_autoencoder(recipe: Recipe) -> SparseAutoencoder:
    assert recipe.sae is not None
    return SparseAutoencoder.from_pretrained(recipe.sae["from"], recipe.sae.get("revision"))


def _autoencoder(recipe: Recipe, featured: Dataset, ledger: Ledger) -> SparseAutoencoder:
    settings = {"seed": recipe.seed, **(recipe.sae or {})}
    note = provenance.recorded(featured)["features"]
    folder = cache_dir() / "sae" / cache_key({"features": note, "sae": settings})
    with charged(ledger, folder) as reused:
        if reused:
            logger.info("sparse autoencoder: reused from %s", folder)
        else:
            with ledger.timed("sae"):
                train_sae(featured, **settings).save_pretrained(folder)
            logger.info("sparse autoencoder: kept in %s", folder)
    return SparseAutoencoder.from_pretrained(folder)


def _compare(recipe: Recipe, featured: Dataset, ledger: Ledger, folder: Path) -> Dataset:
    assert recipe.adapters is not None
    if "from" in recipe.adapters:
        adapters = _load_adapters(recipe)
        logger.info("adapters: read from %s", adapters.source)
    else:
        adapters = _adapters(recipe, featured, ledger)
    adapters.save_pretrained(folder)
    with ledger.timed("adapters"):
        return add_cosine(featured, adapters)


def _adapters(recipe: Recipe, featured: Dataset, ledger: Ledger) -> Adapters:
    encoder, settings = _text_encoder(recipe), _adapter_settings(recipe)
    data = [provenance.recorded(featured)["features"], provenance.fingerprint(featured)]
    folder = cache_dir() / "adapters" / cache_key([data, encoder.identity(), settings])
    with charged(ledger, folder) as reused:
        if reused:
            logger.info("adapters: reused from %s", folder)
        else:
            with ledger.timed("adapters"):
                wording = {key: value for key, value in settings.items() if key in WORDING}
                texts = class_texts(class_names(featured), encoder, **wording)
                training = {k: value for k, value in settings.items() if k in TRAIN_ADAPTERS}
                train_adapters(featured, texts, **training).save_pretrained(folder)
            logger.info("adapters: kept in %s", folder)
    return Adapters.from_pretrained(folder)


def _load_adapters(recipe: Recipe) -> Adapters:
    assert recipe.adapters is not None
    return Adapters.from_pretrained(recipe.adapters["from"], recipe.adapters.get("revision"))


def _check_adapters(recipe: Recipe, train: Dataset) -> None:
    """Finds classes without words, or adapters of something else, before features are extracted."""
    assert recipe.adapters is not None
    names = class_names(train)
    if "from" in recipe.adapters:
        config = _load_adapters(recipe).config
        require_classes(config.classes, names)
        require_encoder(config.sample_encoder, encoder_of(_backbone(recipe).identity()))
    else:
        class_words(names, recipe.adapters.get("descriptions"))


def _sae_key(recipe: Recipe) -> Any:
    if "from" in (recipe.sae or {}):  # its name may stand for other weights by now
        return _load_autoencoder(recipe).fingerprint()
    return {"seed": recipe.seed, **(recipe.sae or {})}


def _adapters_key(recipe: Recipe) -> Any:
    if "from" in (recipe.adapters or {}):
        return _load_adapters(recipe).fingerprint()
    return [_adapter_settings(recipe), _text_encoder(recipe).identity()]


def _adapter_settings(recipe: Recipe) -> dict[str, Any]:
    templates = TEXT_TEMPLATES if recipe.is_text else IMAGE_TEMPLATES
    return {"seed": recipe.seed, "templates": templates, **(recipe.adapters or {})}


def _text_encoder(recipe: Recipe) -> Backbone:
    own = ("texts", *WORDING, *TRAIN_ADAPTERS)
    settings = {key: value for key, value in (recipe.adapters or {}).items() if key not in own}
    encoder: Backbone = getattr(features, (recipe.adapters or {})["texts"])(**settings)
    return encoder


def _scores_key(recipe: Recipe, train: Dataset) -> str:
    return cache_key(
        {
            "data": provenance.fingerprint(train),
            "features": _backbone(recipe).identity() if recipe.features else None,
            "sae": recipe.sae and _sae_key(recipe),
            "adapters": recipe.adapters and _adapters_key(recipe),
            "scores": recipe.scores,
        }
    )
