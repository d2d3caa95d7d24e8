"""The stages before training: data, features, sparse autoencoder and scores, each kept once."""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict

from hf_dynsel import data, features, provenance, scores
from hf_dynsel.data import add_label_noise, stratified_subset
from hf_dynsel.features import Backbone, extract
from hf_dynsel.ledger import Ledger
from hf_dynsel.recipe import Recipe
from hf_dynsel.recipe_sections import EXTRACTION
from hf_dynsel.sae import SparseAutoencoder, add_codes, train_sae
from hf_dynsel.scores import add_scores, attach_scores, save_scores

logger = logging.getLogger(__name__)

COST = "cost.json"  # seconds by stage; written last, so it marks a folder as finished


def cache_dir() -> Path:
    """Returns where features, autoencoders and scores are kept: $HF_DYNSEL_CACHE or ~/.cache."""
    return Path(os.environ.get("HF_DYNSEL_CACHE", "~/.cache/hf_dynsel")).expanduser()


def load_data(recipe: Recipe) -> DatasetDict:
    """Returns the splits of the recipe's dataset, the training one cut and noised as it says."""
    settings = dict(recipe.dataset)
    loader = data.LOADERS[settings.pop("loader")]
    settings.pop("show_texts", None)
    size, noise = settings.pop("train_size", None), settings.pop("label_noise", None)
    splits = loader(**settings)
    if size is not None:
        splits["train"] = stratified_subset(splits["train"], size, recipe.seed)
    if noise is not None:
        splits["train"] = add_label_noise(splits["train"], **{"seed": recipe.seed, **noise})
    counts = ", ".join(f"{len(split)} {name}" for name, split in splits.items())
    logger.info("data: %s rows", counts)
    return splits


def score(recipe: Recipe, train: Dataset, ledger: Ledger) -> tuple[Dataset, Path | None]:
    """Returns the training set with its score columns, and the folder that holds them.

    Scores of the same data and the same settings are read from the cache, and so are features
    and autoencoders; the ledger is charged what they cost when they were computed.
    """
    if not recipe.scores:
        return train, None
    if "from" in recipe.scores:
        folder = Path(recipe.scores["from"])
        logger.info("scores: read from %s", folder)
        return attach_scores(train, folder), folder
    folder = cache_dir() / "scores" / _scores_key(recipe, train)
    with _charged(ledger, folder) as reused:
        if reused:
            logger.info("features, sparse autoencoder: not needed again")
            logger.info("scores: reused from %s", folder)
        else:
            save_scores(_compute(recipe, train, ledger), folder)
            logger.info("scores: %s kept in %s", ", ".join(recipe.scores), folder)
    return attach_scores(train, folder), folder


@contextmanager
def _charged(ledger: Ledger, folder: Path) -> Iterator[bool]:
    """Yields whether a folder is finished, and charges what it once cost: reuse is not free.

    The seconds that the block adds to the ledger are kept in the folder; where it is finished,
    they are added again. So the overhead beside a saving does not depend on the cache.
    """
    cost = folder / COST
    if cost.is_file():
        yield True
        for stage, seconds in json.loads(cost.read_text()).items():
            ledger.seconds[stage] += seconds
        return
    before = dict(ledger.seconds)
    yield False
    spent = {stage: s - before.get(stage, 0.0) for stage, s in ledger.seconds.items()}
    folder.mkdir(parents=True, exist_ok=True)
    partial = cost.with_suffix(".tmp")
    partial.write_text(json.dumps(spent))
    partial.replace(cost)


def _compute(recipe: Recipe, train: Dataset, ledger: Ledger) -> Dataset:
    scored = train
    if recipe.features:
        scored = _extract(recipe, train, ledger)
        if recipe.sae:
            scored = _encode(recipe, scored, ledger)
    assert recipe.scores is not None
    wanted = [getattr(scores, name)(**(settings or {})) for name, settings in recipe.scores.items()]
    with ledger.timed("scores"):
        return add_scores(scored, wanted)


def _extract(recipe: Recipe, train: Dataset, ledger: Ledger) -> Dataset:
    assert recipe.features is not None
    settings = {key: value for key, value in recipe.features.items() if key in EXTRACTION}
    backbone, folder = _backbone(recipe), cache_dir() / "features"
    key = _key([provenance.fingerprint(train), backbone.identity()])
    with _charged(ledger, folder / "costs" / key) as reused:
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


def _encode(recipe: Recipe, featured: Dataset, ledger: Ledger) -> Dataset:
    assert recipe.sae is not None
    if "from" in recipe.sae:
        sae = SparseAutoencoder.from_pretrained(recipe.sae["from"], recipe.sae.get("revision"))
        logger.info("sparse autoencoder: read from %s", sae.source)
    else:
        sae = _autoencoder(recipe, featured, ledger)
    with ledger.timed("sae"):
        return add_codes(featured, sae)


def _autoencoder(recipe: Recipe, featured: Dataset, ledger: Ledger) -> SparseAutoencoder:
    settings = {"seed": recipe.seed, **(recipe.sae or {})}
    note = provenance.recorded(featured)["features"]
    folder = cache_dir() / "sae" / _key({"features": note, "sae": settings})
    with _charged(ledger, folder) as reused:
        if reused:
            logger.info("sparse autoencoder: reused from %s", folder)
        else:
            with ledger.timed("sae"):
                train_sae(featured, **settings).save_pretrained(folder)
            logger.info("sparse autoencoder: kept in %s", folder)
    return SparseAutoencoder.from_pretrained(folder)


def _scores_key(recipe: Recipe, train: Dataset) -> str:
    return _key(
        {
            "data": provenance.fingerprint(train),
            "features": _backbone(recipe).identity() if recipe.features else None,
            "sae": recipe.sae and {"seed": recipe.seed, **recipe.sae},
            "scores": recipe.scores,
        }
    )


def _key(settings: Any) -> str:
    content = json.dumps([settings, provenance.library_version()], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]
