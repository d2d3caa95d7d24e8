"""Recipes: one flat YAML file that says everything about a run, checked whole before it starts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hf_dynsel import data, features, scores, selectors, yaml_files
from hf_dynsel.arguments import DynamicSelectionArguments
from hf_dynsel.core import Pool, Selector
from hf_dynsel.data import ImageTransform, add_label_noise
from hf_dynsel.metrics import METRICS
from hf_dynsel.models import image_classifier, text_classifier
from hf_dynsel.sae import train_sae
from hf_dynsel.signatures import faults, unknown

TRANSFORM = ("mean", "std", "size")  # of every image; crop_padding and flip are for training only
EXTRACTION = ("batch_size", "shard_size", "num_workers")
NOT_IN_TRAINER = ("output_dir", "seed", "data_seed", "remove_unused_columns")
TRAIN_SAE_INPUTS = ("features", "device", "progress")


def _defaults() -> dict[str, Any]:
    """What the trainer is told where the recipe is silent."""
    device = torch.accelerator.is_available()
    # Pinning memory without a device only warns, and bf16 without one needs `use_cpu`.
    return {"report_to": "none", "dataloader_pin_memory": device, "use_cpu": not device}


class RecipeError(ValueError):
    """A recipe with faults; the message lists all of them."""

    def __init__(self, source: str, found: Sequence[str]) -> None:
        count = "one fault" if len(found) == 1 else f"{len(found)} faults"
        super().__init__("\n  ".join([f"{source} has {count}:", *found]))
        self.faults = list(found)


@dataclass(frozen=True)
class Recipe:
    """A checked recipe; every section is plain data, as in the file.

    Args:
        name: of the experiment.
        dataset: `loader`, one of hf_dynsel.data, and its parameters; `train_size`, rows of a
            stratified subset; `label_noise`, parameters of add_label_noise; `show_texts`,
            whether the report may show texts.
        model: an image classifier (`architecture`, and `mean`, `std`, `size`, `crop_padding`,
            `flip` for its images) or a text classifier (`text_encoder`, `max_length`).
        selector: `name`, one of hf_dynsel.selectors, and its parameters.
        trainer: arguments of DynamicSelectionArguments.
        features: `backbone`, one of hf_dynsel.features, its parameters, and `batch_size`,
            `shard_size`, `num_workers` of the extraction.
        sae: parameters of train_sae; or `from`, a folder or Hub id, and `revision`.
        scores: settings by score class; or `from`, a folder that save_scores wrote.
        metrics: names of hf_dynsel.metrics.
        seed: of everything random.
        output_dir: the run folder; outputs/<name>/seed-<seed> if not given.
    """

    name: str
    dataset: Mapping[str, Any]
    model: Mapping[str, Any]
    selector: Mapping[str, Any]
    trainer: Mapping[str, Any]
    features: Mapping[str, Any] | None = None
    sae: Mapping[str, Any] | None = None
    scores: Mapping[str, Any] | None = None
    metrics: Sequence[str] = ("accuracy",)
    seed: int = 0
    output_dir: str | None = None

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.output_dir or f"outputs/{self.name}/seed-{self.seed}")

    @property
    def is_text(self) -> bool:
        """Whether the model reads texts; else it reads images."""
        return "text_encoder" in self.model

    def plain(self) -> dict[str, Any]:
        """Returns the recipe as it would stand in a file, complete."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values |= {"metrics": list(self.metrics), "output_dir": str(self.folder)}
        return {name: value for name, value in values.items() if value is not None}

    def build_selector(self) -> Selector:
        """Returns the selector, with the recipe's seed unless it has its own."""
        settings = {"seed": self.seed, **self.selector}
        selector: Selector = getattr(selectors, settings.pop("name"))(**settings)
        return selector

    def build_arguments(self) -> DynamicSelectionArguments:
        """Returns the trainer's arguments; seed and output folder are the recipe's."""
        settings = {**_defaults(), **self.trainer}
        return DynamicSelectionArguments(
            output_dir=str(self.folder), seed=self.seed, remove_unused_columns=False, **settings
        )


def load(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Returns a checked recipe; nothing is built or downloaded.

    Args:
        path: the YAML file.
        overrides: `key.sub=value`, the value in YAML.

    Raises:
        FileNotFoundError: if there is no such file.
        RecipeError: with every fault, its key and what would be right.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no recipe {path}; `hf-dynsel list` names those there are"
        )
    content = yaml_files.read(path)
    if not isinstance(content, dict):
        raise RecipeError(str(path), ["the file must hold keys and values at its top level"])
    for override in overrides:
        _override(content, override)
    return check(content, str(path))


def check(content: Mapping[str, Any], source: str) -> Recipe:
    """Returns the recipe that plain data describes.

    Raises:
        RecipeError: with every fault.
    """
    found = list(faults(content, Recipe, "recipe"))
    # A section that is missing or no mapping has its fault already.
    whole = {name for name, value in content.items() if isinstance(value, Mapping)}
    for section, check_section in SECTIONS.items():
        if section in whole or section not in REQUIRED:
            found += check_section(content)
    if found:
        raise RecipeError(source, found)
    recipe = Recipe(**content)
    if found := list(_dry_run(recipe)):
        raise RecipeError(source, found)
    return recipe


def _override(content: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise RecipeError(override, ["an override looks like trainer.learning_rate=0.1"])
    *parents, last = key.split(".")
    section: Any = content
    for parent in parents:
        section = section.setdefault(parent, {}) if isinstance(section, dict) else None
    if not isinstance(section, dict):
        raise RecipeError(override, [f"'{'.'.join(parents)}' holds a value, not keys"])
    section[last] = yaml_files.parse(value, override)


def _named(section: Mapping[str, Any], path: str, key: str, known: Mapping[str, Any]) -> Any:
    """Returns the class or function that a section names, or a list with the fault."""
    name = section.get(key)
    if name is None:
        return [f"{path}: needs '{key}', one of {', '.join(sorted(known))}"]
    if not isinstance(name, str) or name not in known:
        return [unknown(str(name), list(known), f"{path}.{key}", "hf_dynsel")]
    return known[name]


def _section(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Returns an optional section, empty where it is missing or has a fault of its own."""
    section = content.get(name)
    return section if isinstance(section, Mapping) else {}


def exported(module: Any, kind: type) -> dict[str, Any]:
    """Returns the classes of one kind that a module exports, the abstract one left out."""
    members = {name: getattr(module, name) for name in module.__all__}
    return {
        name: member
        for name, member in members.items()
        if isinstance(member, type) and issubclass(member, kind) and member is not kind
    }


def _dataset(content: Mapping[str, Any]) -> Iterator[str]:
    section = content["dataset"]
    loader = _named(section, "dataset", "loader", data.LOADERS)
    if isinstance(loader, list):
        yield from loader
        return
    also = ("loader", "train_size", "label_noise", "show_texts")
    yield from faults(section, loader, "dataset", also=also)
    noise = section.get("label_noise", {})
    yield from faults(noise, add_label_noise, "dataset.label_noise", without=("dataset",))


def _features(content: Mapping[str, Any]) -> Iterator[str]:
    section = _section(content, "features")
    if not section:
        if content.get("sae") is not None:
            yield "sae: works on features; add the section 'features'"
        return
    backbones = exported(features, features.Backbone)
    del backbones["TrainedModel"]  # needs a model object; weights of one go to TimmImage
    backbone = _named(section, "features", "backbone", backbones)
    if isinstance(backbone, list):
        yield from backbone
        return
    yield from faults(section, backbone, "features", also=("backbone", *EXTRACTION))


def _sae(content: Mapping[str, Any]) -> Iterator[str]:
    section = _section(content, "sae")
    if "from" in section:
        yield from (
            f"sae.{key}: an autoencoder loaded 'from' somewhere is not trained; leave it out"
            for key in section
            if key not in ("from", "revision")
        )
    else:
        yield from faults(section, train_sae, "sae", without=TRAIN_SAE_INPUTS)


def _scores(content: Mapping[str, Any]) -> Iterator[str]:
    section = _section(content, "scores")
    if "from" in section:
        yield from (
            f"scores.{key}: scores are loaded, not computed" for key in set(section) - {"from"}
        )
        return
    known = exported(scores, scores.Score)
    for name, settings in section.items():
        if name not in known:
            yield unknown(name, list(known), f"scores.{name}", "hf_dynsel")
            continue
        yield from faults(settings or {}, known[name], f"scores.{name}")
        if set(known[name].columns) & {"sae_indices", "sae_values"} and not content.get("sae"):
            yield f"scores.{name}: reads sparse codes; add the sections 'features' and 'sae'"


def _model(content: Mapping[str, Any]) -> Iterator[str]:
    section = content["model"]
    if ("architecture" in section) == ("text_encoder" in section):
        yield "model: needs 'architecture' for images or 'text_encoder' for texts, one of them"
    elif "architecture" in section:
        transform = tuple(f.name for f in fields(ImageTransform) if f.name != "channels")
        own = {key: value for key, value in section.items() if key not in transform}
        yield from faults(
            own, image_classifier, "model", also=transform, without=("label_names", "seed")
        )
        images = {key: value for key, value in section.items() if key in transform}
        yield from faults(images, ImageTransform, "model")
    else:
        own = {"model" if key == "text_encoder" else key: value for key, value in section.items()}
        yield from faults(
            own, text_classifier, "model", also=("max_length",), without=("label_names", "seed")
        )


def _selector(content: Mapping[str, Any]) -> Iterator[str]:
    section = content["selector"]
    known = exported(selectors, Selector)
    selector = _named(section, "selector", "name", known)
    if isinstance(selector, list):
        yield from selector
        return
    also = ("name",)
    inside = [f.name for f in fields(selector) if not f.init]
    yield from faults(section, selector, "selector", also=also, without=inside)


def _trainer(content: Mapping[str, Any]) -> Iterator[str]:
    section = content["trainer"]
    for name in NOT_IN_TRAINER:
        if name in section:
            yield f"trainer.{name}: follows from the recipe's own keys; leave it out"
    rest = {key: value for key, value in section.items() if key not in NOT_IN_TRAINER}
    yield from faults(rest, DynamicSelectionArguments, "trainer")


def _metrics(content: Mapping[str, Any]) -> Iterator[str]:
    for name in content.get("metrics", ()):
        if name not in METRICS:
            yield unknown(name, list(METRICS), "metrics", "hf_dynsel")


REQUIRED = ("dataset", "model", "selector", "trainer")
SECTIONS = {
    "dataset": _dataset,
    "features": _features,
    "sae": _sae,
    "scores": _scores,
    "model": _model,
    "selector": _selector,
    "trainer": _trainer,
    "metrics": _metrics,
}


def _dry_run(recipe: Recipe) -> Iterator[str]:
    """Sets everything up on a made-up pool, which finds values out of range and missing scores."""
    try:
        recipe.build_arguments()
    except (ValueError, TypeError) as error:
        yield f"trainer: {error}"
    known = exported(scores, scores.Score)
    names = [known[name].name for name in recipe.scores or {} if name in known]
    if recipe.scores and "from" in recipe.scores:
        return  # which scores there are is known when they are read
    pool = Pool(100, {name: np.arange(100.0) for name in names}, np.arange(100) % 2)
    try:
        recipe.build_selector().setup(pool, 10)
    except (ValueError, TypeError) as error:
        yield f"selector: {error}"
