"""The section `compare` of a recipe: which methods, how much they keep, which seeds, what rule."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from hf_dynsel import selectors
from hf_dynsel.core import Selector
from hf_dynsel.section_checks import exported, named, optional
from hf_dynsel.signatures import faults, fits

Rule = Literal["equal_epochs", "equal_steps", "equal_samples", "equal_seconds"]
FULL_DATA, RS2, TAIL = "FullData", "RS2", "RS2+tail"
EPOCHS = 3  # where a recipe is silent, as in TrainingArguments
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_LENGTHS = ("max_steps", "match_compute")


@dataclass(frozen=True)
class Comparison:
    """What `hf-dynsel compare` runs.

    Args:
        rule: what all runs have in common: epochs, optimizer steps, samples trained, or seconds of
            training and overhead. The last three are those of RS2 at the same `keep`.
        keeps: fractions of the pool.
        seeds: of the runs; differences are taken within each.
        methods: by label, the name of a selector and its parameters without `keep`. `keep: null`
            leaves a method to its own budget.
    """

    rule: Rule = "equal_epochs"
    keeps: tuple[float, ...] = (0.3,)
    seeds: tuple[int, ...] = (0, 1, 2)
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def comparison(section: Mapping[str, Any] | None, selector: Mapping[str, Any]) -> Comparison:
    """Returns what a checked section asks for; by default, the recipe's own selector.

    Args:
        section: of the recipe, if it has one.
        selector: the section of that name.
    """
    given = dict(section or {})
    own = {key: value for key, value in selector.items() if key not in ("keep", "seed")}
    always = selector["name"] == FULL_DATA
    return Comparison(
        rule=given.get("rule", "equal_epochs"),
        keeps=tuple(given.get("keeps", [selector.get("keep") or 0.3])),
        seeds=tuple(given.get("seeds", (0, 1, 2))),
        methods=given.get("methods", {} if always else {selector["name"]: own}),
    )


def compare_faults(content: Mapping[str, Any]) -> Iterator[str]:
    """Yields what is wrong with the section `compare` of a recipe."""
    if content.get("compare") is None:
        return
    yield from faults(content["compare"], Comparison, "compare")
    section = optional(content, "compare")
    if fits(keeps := section.get("keeps", [0.3]), list[float]):
        yield from _listed(keeps, "keeps", lambda keep: 0 < keep <= 1, "fractions in (0, 1]")
    if fits(seeds := section.get("seeds", [0]), list[int]):
        yield from _listed(seeds, "seeds", lambda seed: seed >= 0, "integers from 0")
    methods = optional(section, "methods")
    if "methods" in section and not methods:
        yield "compare.methods: names none; leave it out to compare the recipe's own selector"
    yield from _labels(list(methods))
    for label, settings in methods.items():
        if isinstance(settings, Mapping):
            yield from _method(settings, f"compare.methods.{label}")
    yield from _length(optional(content, "trainer"))


def _listed(values: list[Any], name: str, holds: Any, right: str) -> Iterator[str]:
    wrong = [value for value in values if not holds(value)]
    if wrong or not values:
        yield f"compare.{name}: takes {right}, at least one; got {wrong or values}"
    if len(set(values)) < len(values):
        yield f"compare.{name}: {values} has one twice; name each once"


def _labels(labels: list[str]) -> Iterator[str]:
    for label in labels:
        path, low = f"compare.methods.{label}", label.lower()
        if not _SAFE.fullmatch(label):
            yield f"{path}: names a folder; use letters, digits and any of _ . + - inside"
        if low in (FULL_DATA.lower(), RS2.lower()) or low.startswith(TAIL.lower()):
            yield f"{path}: is the label of a row that is always there; choose another"
        if [other.lower() for other in labels].count(low) > 1:
            yield f"{path}: differs from another label in case alone; choose another"


def _method(section: Mapping[str, Any], path: str) -> Iterator[str]:
    selector = named(section, path, "name", exported(selectors, Selector))
    if isinstance(selector, list):
        yield from selector
        return
    state = [f.name for f in fields(selector) if not f.init]
    yield from faults(section, selector, path, also=("name",), without=state)
    for key, value in section.items():
        if isinstance(value, float) and not math.isfinite(value):
            yield f"{path}.{key}: takes a finite number; got {value}"
    if section.get("keep") is not None:
        yield f"{path}.keep: follows from compare.keeps; leave it out"
    if "seed" in section:
        yield f"{path}.seed: follows from compare.seeds; leave it out"


def _length(trainer: Mapping[str, Any]) -> Iterator[str]:
    for name in _LENGTHS:
        if trainer.get(name) not in (None, False, -1):
            yield f"trainer.{name}: the rule of compare sets how long runs are; leave it out"
    epochs = trainer.get("num_train_epochs", EPOCHS)
    if fits(epochs, float) and (epochs < 1 or epochs != int(epochs)):
        yield f"trainer.num_train_epochs: compare counts whole epochs, from 1; got {epochs}"
