"""Recipes: one flat YAML file that says everything about a run, checked whole before it starts."""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hf_dynsel import scores, selectors, yaml_files
from hf_dynsel.arguments import DynamicSelectionArguments
from hf_dynsel.core import Selector
from hf_dynsel.data import ImageTransform
from hf_dynsel.data.label_noise import noisy_labels
from hf_dynsel.data.long_tail import long_tail_rows
from hf_dynsel.dry_run import dry_run
from hf_dynsel.features.adapter_training import check_training
from hf_dynsel.features.prompts import IMAGE_TEMPLATES, resolve_templates
from hf_dynsel.mixing import Mixing
from hf_dynsel.proxy_section import build_scores
from hf_dynsel.recipe_sections import (
    TRAIN_ADAPTERS,
    TRANSFORM,
    section_faults,
)
from hf_dynsel.signatures import faults
from hf_dynsel.trivial_augment import TrivialAugmentWide


def _defaults() -> dict[str, Any]:
    """What the trainer is told where the recipe is silent."""
    device = torch.accelerator.is_available()
    # Pinning memory without a device only warns, and bf16 without one needs `use_cpu`. With one,
    # pinned batches are copied while the device computes.
    copies = {"accelerator_config": {"non_blocking": True}} if device else {}
    return {"report_to": "none", "dataloader_pin_memory": device, "use_cpu": not device, **copies}


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
            stratified subset, and `subset_seed`, which rows, the recipe's seed by default;
            `eval_size`, rows of a stratified subset of the test split, the same for all seeds;
            `evaluate_on`, `test` or `validation`: the validation split then takes the place of
            the test split, or a fifth of the training set if there is none;
            `long_tail`, the ratio of long_tailed, which thins the classes of the training split;
            `label_noise`, parameters of add_label_noise; `show_texts`, whether the report may show
            texts; `decode_once`, whether images are decoded and resized once and kept in the
            cache as 8-bit values, and cropped, mirrored, augmented and normalised on the device.
        model: an image classifier (`architecture`, and `mean`, `std`, `size`, `shorter_side`,
            `random_area`, `crop_padding`, `flip` for its images) or a text classifier
            (`text_encoder`, `max_length`).
        selector: `name`, one of hf_dynsel.selectors, and its parameters.
        trainer: arguments of DynamicSelectionArguments.
        features: `backbone`, one of hf_dynsel.features, its parameters, and `batch_size`,
            `shard_size`, `num_workers` of the extraction.
        sae: parameters of train_sae; or `from`, a folder or Hub id, and `revision`.
        adapters: `texts`, OpenClipText or TransformersText, and its parameters; `templates` and
            `descriptions` of class_texts; parameters of train_adapters. Or `from`, a folder or
            Hub id, and `revision`.
        proxy: `scores`, settings by class of score that is collected of a training; `vectors`,
            whether the trained model's features and errors of each sample are kept for the
            selector; `epochs` and `runs`, trainings from different seeds that are averaged.
        scores: settings by score class; or `from`, a folder or Hub id, and `revision`.
        mixing: parameters of Mixing, MixUp and CutMix of training batches of images.
        metrics: names of hf_dynsel.metrics.
        compare: what `hf-dynsel compare` runs in place of `selector`, as in `Comparison`.
        tune: what `hf-dynsel tune` searches: `low` and `high`, or `choices`, by the parameter's
            name, such as `selector.penalty`.
        hub: repositories that the results are pushed to when the run is done, by what they hold:
            `run`, `scores`, `sae`, `adapters`; `private`, `license` of all of them, and `also`,
            `codes` or `features` that go with the scores.
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
    adapters: Mapping[str, Any] | None = None
    proxy: Mapping[str, Any] | None = None
    scores: Mapping[str, Any] | None = None
    mixing: Mapping[str, Any] | None = None
    metrics: Sequence[str] = ("accuracy",)
    compare: Mapping[str, Any] | None = None
    tune: Mapping[str, Any] | None = None
    hub: Mapping[str, Any] | None = None
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

    @property
    def decodes_once(self) -> bool:
        """Whether images are decoded once, before training."""
        return self.dataset.get("decode_once") is True

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

    def build_transform(self) -> ImageTransform:
        """Returns what prepares the training images; its deterministic form is for the others."""
        settings = {key: value for key, value in self.model.items() if key in TRANSFORM}
        return ImageTransform(channels=self.model.get("in_chans", 3), **settings)

    def check_adapters(self) -> None:
        """Raises ValueError if a setting of adapters that are to be trained is out of range."""
        settings = self.adapters or {}
        training = {name: settings[name] for name in TRAIN_ADAPTERS if name in settings}
        training.pop("seed", None)
        check_training(**training)
        if not isinstance(templates := settings.get("templates", IMAGE_TEMPLATES), str):
            resolve_templates(templates)

    def build_augmenter(self) -> TrivialAugmentWide | None:
        """Returns what images get that the selector marks; None if it marks none, or for texts."""
        if self.is_text or not self.build_selector().augments():
            return None
        if self.decodes_once:
            return TrivialAugmentWide(on_device=True)
        transform = self.build_transform()
        return TrivialAugmentWide(transform.mean, transform.std)

    def build_mixing(self, num_classes: int) -> Mixing | None:
        """Returns what mixes training batches, if the recipe says so."""
        return None if self.mixing is None else Mixing(num_classes, **self.mixing)

    @property
    def proxy_epochs(self) -> int:
        """Epochs that each proxy is trained for."""
        given = self.trainer.get("num_train_epochs")
        epochs: float | None = (self.proxy or {}).get("epochs", given)
        if epochs is None:
            raise ValueError("neither proxy.epochs nor trainer.num_train_epochs is set; give one")
        return math.ceil(epochs)

    def check_proxy(self) -> None:
        """Raises ValueError if a proxy is too short for its scores, or a setting out of range."""
        if self.proxy:
            for score in build_scores(self.proxy.get("scores") or {}):
                if isinstance(score, scores.TrainingScore):
                    score.looks(self.proxy_epochs)

    def check_long_tail(self) -> None:
        """Raises ValueError if the thinning of the classes is out of range."""
        if self.dataset.get("long_tail") is not None:
            long_tail_rows(np.arange(2), self.dataset["long_tail"], 0)

    def check_label_noise(self) -> None:
        """Raises ValueError if the noise of the labels is out of range."""
        if self.dataset.get("label_noise") is not None:
            settings = {"share": 0.2, "seed": 0, "exclude_true": False}
            noisy_labels(np.arange(2), 2, **{**settings, **self.dataset["label_noise"]})

    def build_arguments(self) -> DynamicSelectionArguments:
        """Returns the trainer's arguments; seed and output folder are the recipe's."""
        settings = {**_defaults(), **deepcopy(dict(self.trainer))}  # it adds to fsdp_config
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
    if found := [*found, *section_faults(content)]:
        raise RecipeError(source, found)
    recipe = Recipe(**content)
    if found := list(dry_run(recipe)):
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
