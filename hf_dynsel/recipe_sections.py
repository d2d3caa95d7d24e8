"""Checks each section of a recipe against what it will be handed to."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Literal

from hf_dynsel import data, features, scores, selectors
from hf_dynsel.arguments import DynamicSelectionArguments
from hf_dynsel.compare_section import compare_faults
from hf_dynsel.core import Selector
from hf_dynsel.data import ImageTransform, add_label_noise
from hf_dynsel.decode_section import decode_faults
from hf_dynsel.features import train_adapters
from hf_dynsel.hub.repo import Repo
from hf_dynsel.metrics import METRICS
from hf_dynsel.mixing import Mixing
from hf_dynsel.models import image_classifier, text_classifier
from hf_dynsel.proxy_section import PROXY_COLUMNS as PROXY_COLUMNS
from hf_dynsel.proxy_section import proxy_faults
from hf_dynsel.sae import train_sae
from hf_dynsel.scores.files import Also
from hf_dynsel.section_checks import exported, named, optional, typed
from hf_dynsel.signatures import faults, unknown
from hf_dynsel.tune_section import tune_faults

EXTRACTION = ("batch_size", "shard_size", "num_workers")
OF_DATA = {
    "train_size": int | None,
    "subset_seed": int,
    "eval_size": int | None,
    "evaluate_on": Literal["test", "validation"],
    "long_tail": float | None,
    "decode_once": bool,
    "show_texts": bool,
}
NOT_IN_TRAINER = ("output_dir", "seed", "data_seed", "remove_unused_columns")
TRAIN_SAE_INPUTS = ("features", "device", "progress")
SCORE_FIELDS = ("representativeness", "diversity", "score", "consistency")
TEXT_ENCODERS = ("OpenClipText", "TransformersText")
WORDING = {"templates": list[str] | Literal["openai"], "descriptions": dict[str, str]}
TRAIN_ADAPTERS = ("kind", "epochs", "batch_size", "learning_rate", "weight_decay", "seed")
TRAIN_ADAPTERS_INPUTS = ("dataset", "texts", "label", "device", "progress")
MADE_BY = {  # columns that scores read, by the section that makes them
    "features": ("features", {"features"}),
    "sae": ("sparse codes", {"sae_indices", "sae_values"}),
    "adapters": ("the cosine with class texts", {"features_cosine"}),
}
PUSHED = ("run", "scores", "sae", "adapters")
HUB = {
    **dict.fromkeys(PUSHED, str),
    "private": bool,
    "license": str | None,
    "also": list[Also],
}
TRANSFORM = tuple(field.name for field in fields(ImageTransform) if field.name != "channels")


def section_faults(content: Mapping[str, Any]) -> list[str]:
    """Returns the faults of all sections; one that is missing or no mapping has its own already."""
    whole = {name for name, value in content.items() if isinstance(value, Mapping)}
    found: list[str] = []
    for name, check in SECTIONS.items():
        if name in whole or name not in REQUIRED:
            found += check(content)
    return found


def scores_read(settings: Mapping[str, Any]) -> list[str]:
    """Returns the score columns that a selector of these settings reads."""
    return [str(settings[field]) for field in SCORE_FIELDS if settings.get(field)]


def _dataset(content: Mapping[str, Any]) -> Iterator[str]:
    section = content["dataset"]
    loader = named(section, "dataset", "loader", data.LOADERS)
    if isinstance(loader, list):
        yield from loader
        return
    yield from faults(section, loader, "dataset", also=("loader", "label_noise", *OF_DATA))
    yield from typed(section, "dataset", OF_DATA)
    yield from decode_faults(content)
    if section.get("label_noise") is not None:
        noise = section["label_noise"]
        yield from faults(noise, add_label_noise, "dataset.label_noise", without=("dataset",))


def _features(content: Mapping[str, Any]) -> Iterator[str]:
    section = optional(content, "features")
    if not section:
        for name in ("sae", "adapters"):
            if content.get(name) is not None:
                yield f"{name}: works on features; add the section 'features'"
        return
    backbones = exported(features, features.Backbone)
    del backbones["TrainedModel"]  # needs a model object; weights of one go to TimmImage
    backbone = named(section, "features", "backbone", backbones)
    if isinstance(backbone, list):
        yield from backbone
        return
    yield from faults(section, backbone, "features", also=("backbone", *EXTRACTION))
    yield from typed(section, "features", dict.fromkeys(EXTRACTION, int))


def _sae(content: Mapping[str, Any]) -> Iterator[str]:
    section = optional(content, "sae")
    if "from" in section:
        yield from _loaded(section, "sae", "an autoencoder loaded 'from' somewhere is not trained")
    else:
        yield from faults(section, train_sae, "sae", without=TRAIN_SAE_INPUTS)


def _adapters(content: Mapping[str, Any]) -> Iterator[str]:
    section = optional(content, "adapters")
    if content.get("adapters") is None:
        return
    if "from" in section:
        yield from _loaded(section, "adapters", "adapters loaded 'from' somewhere are not trained")
        return
    encoders = {name: getattr(features, name) for name in TEXT_ENCODERS}
    encoder = named(section, "adapters", "texts", encoders)
    if isinstance(encoder, list):
        yield from encoder
        return
    also = ("texts", *WORDING, *TRAIN_ADAPTERS)
    yield from faults(section, encoder, "adapters", also=also, without=("column",))
    training = {key: value for key, value in section.items() if key in TRAIN_ADAPTERS}
    yield from faults(training, train_adapters, "adapters", without=TRAIN_ADAPTERS_INPUTS)
    yield from typed(section, "adapters", WORDING)


def _loaded(section: Mapping[str, Any], path: str, why: str) -> Iterator[str]:
    """Yields the faults of a section that says where to load a model from."""
    for key in section:
        if key not in ("from", "revision"):
            yield f"{path}.{key}: {why}; leave it out"
    yield from typed(section, path, {"from": str, "revision": str | None})


def _scores(content: Mapping[str, Any]) -> Iterator[str]:
    section = optional(content, "scores")
    if "from" in section:
        yield from _loaded(section, "scores", "scores loaded 'from' somewhere are not computed")
        return
    known = exported(scores, scores.Score)
    of_training = exported(scores, scores.TrainingScore)
    for name, settings in section.items():
        if name in of_training:
            yield f"scores.{name}: is collected of a training; move it to proxy.scores"
            continue
        if name not in known:
            yield unknown(name, list(known), f"scores.{name}", "hf_dynsel")
            continue
        settings = {} if settings is None else settings
        yield from faults(settings, known[name], f"scores.{name}")
        yield from _unmade(known[name], content)


def _unmade(score: type[scores.Score], content: Mapping[str, Any]) -> Iterator[str]:
    """Yields a fault where the section is missing that makes the columns a score reads."""
    for section, (what, columns) in MADE_BY.items():
        if columns & set(score.columns) and not content.get(section):
            needed = [f"'{name}'" for name in dict.fromkeys(("features", section))]
            word = "sections" if len(needed) > 1 else "section"
            yield f"scores.{score.__name__}: reads {what}; add the {word} {' and '.join(needed)}"


def _model(content: Mapping[str, Any]) -> Iterator[str]:
    section = content["model"]
    if ("architecture" in section) == ("text_encoder" in section):
        yield "model: needs 'architecture' for images or 'text_encoder' for texts, one of them"
    elif "architecture" in section:
        own = {key: value for key, value in section.items() if key not in TRANSFORM}
        yield from faults(
            own, image_classifier, "model", also=TRANSFORM, without=("label_names", "seed")
        )
        images = {key: value for key, value in section.items() if key in TRANSFORM}
        yield from faults(images, ImageTransform, "model")
    else:
        own = {"model" if key == "text_encoder" else key: value for key, value in section.items()}
        yield from faults(
            own, text_classifier, "model", also=("max_length",), without=("label_names", "seed")
        )
        yield from typed(section, "model", {"max_length": int})


def _selector(content: Mapping[str, Any]) -> Iterator[str]:
    section = content["selector"]
    known = exported(selectors, Selector)
    selector = named(section, "selector", "name", known)
    if isinstance(selector, list):
        yield from selector
        return
    also = ("name",)
    inside = [f.name for f in fields(selector) if not f.init]
    yield from faults(section, selector, "selector", also=also, without=inside)


def _trainer(content: Mapping[str, Any]) -> Iterator[str]:
    section = content["trainer"]
    if "hub_token" in section:
        yield "trainer.hub_token: a token does not belong in a file; log in with `hf auth login`"
    for name in NOT_IN_TRAINER:
        if name in section:
            yield f"trainer.{name}: follows from the recipe's own keys; leave it out"
    rest = {key: value for key, value in section.items() if key not in NOT_IN_TRAINER}
    yield from faults(rest, DynamicSelectionArguments, "trainer", also=("fsdp",))
    yield from typed(section, "trainer", {"fsdp": bool})  # TrainingArguments says str, deprecated


def _mixing(content: Mapping[str, Any]) -> Iterator[str]:
    section = optional(content, "mixing")
    if section and "text_encoder" in optional(content, "model"):
        yield "mixing: joins images, and the model reads texts; leave it out"
    yield from faults(section, Mixing, "mixing", without=("num_classes", "key"))


def _hub(content: Mapping[str, Any]) -> Iterator[str]:
    section = optional(content, "hub")
    yield from typed(section, "hub", HUB)
    for key in section:
        if key not in HUB:
            yield unknown(key, list(HUB), f"hub.{key}", "the section 'hub'")
    for key in set(PUSHED) & set(section):
        yield from _pushable(key, section[key], content)
    models = [section[key] for key in ("run", "sae", "adapters") if key in section]
    if len(set(map(str, models))) < len(models):
        yield "hub: two models cannot be in one repository; give each an id of its own"
    if "run" in section and section.get("scores") == f"{section['run']}-selections":
        yield f"hub.scores: '{section['scores']}' is where the run's selections go; give another"
    if "also" in section and "scores" not in section:
        yield "hub.also: goes with scores, which are not pushed; add hub.scores or leave it out"


def _pushable(key: str, repo_id: Any, content: Mapping[str, Any]) -> Iterator[str]:
    """Yields the faults of one repository that a part of the run is to be pushed to."""
    try:
        for name in [str(repo_id), *([f"{repo_id}-selections"] if key == "run" else [])]:
            Repo(name, "model")
        if "/" not in str(repo_id):
            yield f"hub.{key}: {repo_id!r} must be user/name, as cards say where to find things"
    except ValueError as wrong:
        yield f"hub.{key}: {wrong}"
    if key != "run" and not (content.get(key) or (key == "scores" and content.get("proxy"))):
        yield f"hub.{key}: the recipe makes no {key}; add the section '{key}' or leave it out"
    if key in ("sae", "adapters") and "from" in optional(content, "scores"):
        yield f"hub.{key}: none is made where the scores are loaded 'from' somewhere; leave it out"
    if key == "run" and optional(content, "trainer").get("log_selections") is False:
        yield "hub.run: is pushed with its selections; leave out trainer.log_selections: false"


def _metrics(content: Mapping[str, Any]) -> Iterator[str]:
    names = content.get("metrics", ())
    for name in names if isinstance(names, list) else ():
        if isinstance(name, str) and name not in METRICS:
            yield unknown(name, list(METRICS), "metrics", "hf_dynsel")


REQUIRED = ("dataset", "model", "selector", "trainer")
SECTIONS = {
    "dataset": _dataset,
    "features": _features,
    "sae": _sae,
    "adapters": _adapters,
    "proxy": proxy_faults,
    "scores": _scores,
    "model": _model,
    "selector": _selector,
    "trainer": _trainer,
    "mixing": _mixing,
    "compare": compare_faults,
    "tune": tune_faults,
    "metrics": _metrics,
    "hub": _hub,
}
