"""The section `tune` of a recipe: which parameters of its selector are searched, and where."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from hf_dynsel import selectors
from hf_dynsel.core import Selector
from hf_dynsel.section_checks import exported, optional
from hf_dynsel.signatures import fits, unknown, wrong_kind

PREFIX = "selector."
FIXED = ("name", "keep", "seed")
INTERVAL, CHOICES = {"low", "high", "log"}, {"choices"}


def tune_faults(content: Mapping[str, Any]) -> Iterator[str]:
    """Yields what is wrong with the section `tune` of a recipe."""
    if content.get("tune") is None:
        return
    section, selector = optional(content, "tune"), optional(content, "selector")
    if not section:
        yield "tune: names parameters, such as selector.penalty: {low: 0, high: 1}"
    kind = exported(selectors, Selector).get(str(selector.get("name")))
    if kind is None:
        return  # a fault of the section selector
    types = {f.name: f.type for f in fields(kind) if f.init and f.name not in FIXED}
    for key, space in section.items():
        name = key.removeprefix(PREFIX)
        if not key.startswith(PREFIX) or name in FIXED:
            yield f"tune.{key}: is not searched; name a parameter as {PREFIX}<parameter>"
        elif name not in types:
            yield unknown(name, list(types), f"tune.{key}", kind.__name__)
        else:
            yield from _space(space, types[name], f"tune.{key}")


def is_real(space: Mapping[str, Any], kind: Any) -> bool:
    """Returns whether a parameter of a type takes numbers between the integers of an interval."""
    return fits(space["low"] + 0.5, kind)


def _space(space: Any, kind: Any, path: str) -> Iterator[str]:
    keys = set(space) if isinstance(space, Mapping) else set()
    if keys != CHOICES and not {"low", "high"} <= keys <= INTERVAL:
        yield f"{path}: takes low and high, and log: true for a logarithmic scale; or choices"
        return
    values = space["choices"] if keys == CHOICES else [space["low"], space["high"]]
    if not isinstance(values, list) or not values:
        yield f"{path}.choices: takes a list of values; got {values!r}"
        return
    wrong = [value for value in values if not fits(value, kind) or isinstance(value, list | dict)]
    if wrong:
        yield wrong_kind(path, wrong[0], kind)
    elif not all(math.isfinite(value) for value in values if isinstance(value, float)):
        yield f"{path}: takes finite numbers; got {values!r}"
    elif keys != CHOICES:
        yield from _interval(space, path)


def _interval(space: Mapping[str, Any], path: str) -> Iterator[str]:
    low, high = space["low"], space["high"]
    if not (fits(low, float) and fits(high, float) and low < high):
        yield f"{path}: low must be a number below high; got {low!r} and {high!r}"
    elif not fits(space.get("log", False), bool):
        yield f"{path}.log: is true or false; got {space['log']!r}"
    elif space.get("log") and low <= 0:
        yield f"{path}.low: a logarithmic scale starts above 0; got {low!r}"
