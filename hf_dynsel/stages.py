"""The stages before training: data, features, codes, adapters and scores, each kept once."""

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
from hf_dynsel.recipe import Recipe
from hf_dynsel.recipe_sections import EXTRACTION, TRAIN_ADAPTERS, WORDING
from hf_dynsel.sae import SparseAutoencoder, add_codes, train_sae
from hf_dynsel.scores import add_scores, attach, load_scores, save_scores

logger = logging.getLogger(__name__)

SAE, ADAPTERS = "sae", "adapters"  # folders beside the scores
COST = "cost.json"  # seconds by stage; written last, so it marks a folder as finished


def cache_dir() -> Path:
    """Returns where the results of all stages are kept: $HF_DYNSEL_CACHE or ~/.cache."""
    return Path(os.environ.get("HF_DYNSEL_CACHE", "~/.cache/hf_dynsel")).expanduser()


def load_data(recipe: Recipe) -> DatasetDict:
    """Returns the splits of the recipe's dataset, the training one cut and noised as it says."""
    settings = dict(recipe.dataset)
    loader = data.LOADERS[settings.pop("loader")]
    settings.pop("show_texts", None)
    size, noise = settings.pop("train_size", None), settings.pop("label_noise", None)
    subset_seed = settings.pop("subset_seed", recipe.seed)
    splits = loader(**settings)
    if size is not None:
        splits["train"] = stratified_subset(splits["train"], size, subset_seed)
    if noise is not None:
        splits["train"] = add_label_noise(splits["train"], **{"seed": recipe.seed, **noise})
    counts = ", ".join(f"{len(split)} {name}" for name, split in splits.items())
    logger.info("data: %s rows", counts)
    return splits


def score(recipe: Recipe, train: Dataset, ledger: Ledger) -> tuple[Dataset, Path | None]:
    """Returns the training set with its score columns, and the folder that holds them.

    Scores of the same data and the same settings are read from the cache, and so are features,
    autoencoders and adapters; the ledger is charged what they cost when they were computed.
    """
    if not recipe.scores:
        return train, None
    if "from" in recipe.scores:
        return _shared_scores(recipe, train)
    folder = cache_dir() / "scores" / _scores_key(recipe, train)
    with _charged(ledger, folder) as reused:
        if reused:
            logger.info("features and what is made of them: not needed again")
            logger.info("scores: reused from %s", folder)
        else:
            save_scores(_compute(recipe, train, ledger, folder), folder, hashed=False)
            logger.info("scores: %s kept in %s", ", ".join(recipe.scores), folder)
    return attach(train, load_scores(folder)), folder


def _shared_scores(recipe: Recipe, train: Dataset) -> tuple[Dataset, Path]:
    """Returns the training set with loaded scores, and those of its rows in the run folder."""
    assert recipe.scores is not None
    loaded = load_scores(recipe.scores["from"], recipe.scores.get("revision"))
    logger.info("scores: read from %s", loaded.source)
    scored, folder = attach(train, loaded), recipe.folder / "scores"
    save_scores(scored, folder, hashed=False)
    return scored, folder


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


def _compute(recipe: Recipe, train: Dataset, ledger: Ledger, folder: Path) -> Dataset:
    """Returns the scored training set; what was trained for it is saved in the folder."""
    scored = train
    if recipe.adapters:
        _check_adapters(recipe, train)
    if recipe.features:
        scored = featured(recipe, train, ledger)
    if recipe.sae:
        scored = _encode(recipe, scored, ledger, folder / SAE)
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
    key = _key([provenance.fingerprint(backbone.view(train)), backbone.identity()])
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


def _encode(recipe: Recipe, featured: Dataset, ledger: Ledger, folder: Path) -> Dataset:
    if "from" in (recipe.sae or {}):
        sae = _load_autoencoder(recipe)
        logger.info("sparse autoencoder: read from %s", sae.source)
    else:
        sae = _autoencoder(recipe, featured, ledger)
    sae.save_pretrained(folder)
    with ledger.timed("sae"):
        return add_codes(featured, sae)


def _load_autoencoder(recipe: Recipe) -> SparseAutoencoder:
    assert recipe.sae is not None
    return SparseAutoencoder.from_pretrained(recipe.sae["from"], recipe.sae.get("revision"))


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
    folder = cache_dir() / "adapters" / _key([data, encoder.identity(), settings])
    with _charged(ledger, folder) as reused:
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
    return _key(
        {
            "data": provenance.fingerprint(train),
            "features": _backbone(recipe).identity() if recipe.features else None,
            "sae": recipe.sae and _sae_key(recipe),
            "adapters": recipe.adapters and _adapters_key(recipe),
            "scores": recipe.scores,
        }
    )


def _key(settings: Any) -> str:
    content = json.dumps([settings, provenance.library_version()], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]
