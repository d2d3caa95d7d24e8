"""Makes the model of a recipe, and its data ready for that model."""

from typing import Any

from datasets import Dataset

from hf_dynsel.data import DecodedImages, decode_images, tokenize
from hf_dynsel.models import image_classifier, text_classifier
from hf_dynsel.recipe import Recipe
from hf_dynsel.recipe_sections import TRANSFORM
from hf_dynsel.stage_cache import cache_dir

DEFAULT_MAX_LENGTH = 256  # tokens; our choice for RSD_15K too, the paper is silent


def build_model(recipe: Recipe, train: Dataset, seed: int) -> tuple[Any, Any]:
    """Returns a new model for the classes of the data, and its tokenizer; None for images."""
    settings = {"label_names": train.features["label"].names, "seed": seed, **recipe.model}
    if recipe.is_text:
        settings.pop("max_length", None)
        return text_classifier(settings.pop("text_encoder"), **settings)
    own = {key: value for key, value in settings.items() if key not in TRANSFORM}
    return image_classifier(own.pop("architecture"), **own), None


def model_view(
    recipe: Recipe, split: Dataset, training: bool, tokenizer: Any
) -> Dataset | DecodedImages:
    """Returns a split as the model takes it; for training, images get their random transform."""
    if recipe.is_text:
        wanted = [c for c in split.column_names if c in ("text", "label") or c.startswith("score_")]
        max_length = recipe.model.get("max_length", DEFAULT_MAX_LENGTH)
        return tokenize(split.select_columns(wanted), tokenizer, max_length)
    transform = recipe.build_transform()
    transform = transform if training else transform.deterministic()
    if not recipe.decodes_once:
        return split.with_transform(transform)
    workers = recipe.trainer.get("dataloader_num_workers", 0)
    return decode_images(split, transform, cache_dir=cache_dir() / "images", num_workers=workers)
