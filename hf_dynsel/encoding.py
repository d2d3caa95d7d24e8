"""What is made of data before it is scored: features, codes and a cosine with class texts."""

import logging
from pathlib import Path
from typing import Any

from datasets import Dataset

from hf_dynsel import features, provenance
from hf_dynsel.distributed import only_main
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
from hf_dynsel.sae.parallel import Team
from hf_dynsel.stage_cache import cache_dir, cache_key, charged

logger = logging.getLogger(__name__)


def featured(recipe: Recipe, train: Dataset, ledger: Ledger) -> Dataset:
    """Returns the training set with its features, from the cache if they were extracted before."""
    assert recipe.features is not None
    settings = {key: value for key, value in recipe.features.items() if key in EXTRACTION}
    backbone, folder = backbone_of(recipe), cache_dir() / "features"
    key = cache_key([provenance.fingerprint(backbone.view(train)), backbone.identity()])
    with charged(ledger, folder / "costs" / key) as reused:
        logger.info("features: %s", f"reused from {folder}" if reused else backbone)
        if reused:
            return extract(train, backbone, cache_dir=folder, **settings)
        with ledger.timed("features"):
            return extract(train, backbone, cache_dir=folder, **settings)


def backbone_of(recipe: Recipe) -> Backbone:
    """Returns the recipe's encoder."""
    assert recipe.features is not None
    settings = {key: value for key, value in recipe.features.items() if key not in EXTRACTION}
    backbone: Backbone = getattr(features, settings.pop("backbone"))(**settings)
    return backbone


def encode(recipe: Recipe, featured: Dataset, ledger: Ledger) -> tuple[Dataset, SparseAutoencoder]:
    """Returns the featured data with its sparse codes, and the autoencoder that made them."""
    if "from" in (recipe.sae or {}):
        sae = _load_autoencoder(recipe)
        logger.info("sparse autoencoder: read from %s", sae.source)
    else:
        sae = _autoencoder(recipe, featured, ledger)
    with ledger.timed("sae"):
        device = Team.everyone().device
        return add_codes(featured, sae, device=device, cache_dir=cache_dir() / "codes"), sae


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
                sae = train_sae(featured, **settings, together=True)
                only_main(lambda: sae.save_pretrained(folder))
            logger.info("sparse autoencoder: kept in %s", folder)
    return SparseAutoencoder.from_pretrained(folder)


def compare_with_texts(recipe: Recipe, featured: Dataset, ledger: Ledger, folder: Path) -> Dataset:
    """Returns the featured data with its cosine with class texts; adapters go to the folder."""
    assert recipe.adapters is not None
    if "from" in recipe.adapters:
        adapters = _load_adapters(recipe)
        logger.info("adapters: read from %s", adapters.source)
    else:
        adapters = _adapters(recipe, featured, ledger)
    only_main(lambda: adapters.save_pretrained(folder))
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
                only_main(lambda: _train_adapters(featured, encoder, settings, folder))
            logger.info("adapters: kept in %s", folder)
    return Adapters.from_pretrained(folder)


def _train_adapters(
    featured: Dataset, encoder: Backbone, settings: dict[str, Any], folder: Path
) -> None:
    wording = {key: value for key, value in settings.items() if key in WORDING}
    texts = class_texts(class_names(featured), encoder, **wording)
    training = {key: value for key, value in settings.items() if key in TRAIN_ADAPTERS}
    train_adapters(featured, texts, **training).save_pretrained(folder)


def _load_adapters(recipe: Recipe) -> Adapters:
    assert recipe.adapters is not None
    return Adapters.from_pretrained(recipe.adapters["from"], recipe.adapters.get("revision"))


def check_adapters(recipe: Recipe, train: Dataset) -> None:
    """Finds classes without words, or adapters of something else, before features are extracted."""
    assert recipe.adapters is not None
    names = class_names(train)
    if "from" in recipe.adapters:
        config = _load_adapters(recipe).config
        require_classes(config.classes, names)
        require_encoder(config.sample_encoder, encoder_of(backbone_of(recipe).identity()))
    else:
        class_words(names, recipe.adapters.get("descriptions"))


def sae_key(recipe: Recipe) -> Any:
    """Returns what decides which autoencoder a recipe means."""
    if "from" in (recipe.sae or {}):  # its name may stand for other weights by now
        return _load_autoencoder(recipe).fingerprint()
    return {"seed": recipe.seed, **(recipe.sae or {})}


def adapters_key(recipe: Recipe) -> Any:
    """Returns what decides which adapters a recipe means."""
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
