"""Checks settings against the parameters of what they are for, before it is called."""

import dataclasses
import difflib
import inspect
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

MANY = 20  # names in a message


def unknown(key: str, known: Collection[str], path: str, owner: str) -> str:
    """Returns the fault of a key that its owner does not have, with the closest one it has."""
    close = difflib.get_close_matches(key, list(known), n=1)
    some = ", ".join(sorted(known)[:MANY]) + (", ..." if len(known) > MANY else "")
    hint = f"did you mean '{close[0]}'?" if close else f"it has: {some}"
    return f"{path}: {owner} has no '{key}'; {hint}"


def wrong_kind(path: str, value: Any, kind: Any) -> str:
    """Returns the fault of a value that is not of the type its key takes."""
    return f"{path}: {value!r} is not {_words(kind)}"


def faults(
    settings: Any,
    target: Callable[..., Any],
    path: str,
    also: Collection[str] = (),
    without: Collection[str] = (),
) -> Iterator[str]:
    """Yields what is wrong with settings that become the keyword arguments of `target`.

    Args:
        settings: values by parameter name; anything but a mapping is a fault.
        target: a function or a class.
        path: where the settings stand in the recipe.
        also: keys that are allowed and checked elsewhere.
        without: parameters that a recipe may not set.
    """
    parameters = inspect.signature(target).parameters
    hints = _hints(target)
    open_to_recipes = [name for name in parameters if name not in without]
    if not isinstance(settings, Mapping):
        yield wrong_kind(path, settings, Mapping)
        return
    for key, value in settings.items():
        if key in also:
            continue
        if key not in open_to_recipes:
            yield unknown(key, [*open_to_recipes, *also], f"{path}.{key}", target.__name__)
        elif key in hints and not fits(value, hints[key]):
            yield wrong_kind(f"{path}.{key}", value, hints[key])
    for name in open_to_recipes:
        if parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            continue
        if parameters[name].default is inspect.Parameter.empty and name not in settings:
            yield f"{path}: {target.__name__} needs '{name}'"


def _hints(target: Callable[..., Any]) -> Mapping[str, Any]:
    if dataclasses.is_dataclass(target):
        return {field.name: field.type for field in dataclasses.fields(target)}
    return get_type_hints(target)


def fits(value: Any, kind: Any) -> bool:
    """Returns whether a value read from YAML is of a type: ints fit floats, lists fit tuples."""
    try:
        TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except (ValidationError, TypeError):
        return False
    return True


def _words(kind: Any) -> str:
    return f"of type {kind.__name__}" if inspect.isclass(kind) else f"one of {kind}"
