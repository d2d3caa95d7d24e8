"""What the checks of a recipe's sections share: classes by name, and keys of a type."""

from collections.abc import Iterator, Mapping
from typing import Any

from hf_dynsel.signatures import fits, unknown, wrong_kind


def exported(module: Any, kind: type) -> dict[str, Any]:
    """Returns the classes of one kind that a module exports, the abstract one left out."""
    members = {name: getattr(module, name) for name in module.__all__}
    return {
        name: member
        for name, member in members.items()
        if isinstance(member, type) and issubclass(member, kind) and member is not kind
    }


def named(section: Mapping[str, Any], path: str, key: str, known: Mapping[str, Any]) -> Any:
    """Returns the class or function that a section names, or a list with the fault."""
    name = section.get(key)
    if name is None:
        return [f"{path}: needs '{key}', one of {', '.join(sorted(known))}"]
    if not isinstance(name, str) or name not in known:
        return [unknown(str(name), list(known), f"{path}.{key}", "hf_dynsel")]
    return known[name]


def typed(section: Mapping[str, Any], path: str, kinds: Mapping[str, Any]) -> Iterator[str]:
    """Yields the faults of keys that are the recipe's own and not parameters of anything."""
    for key, kind in kinds.items():
        if key in section and not fits(section[key], kind):
            yield wrong_kind(f"{path}.{key}", section[key], kind)


def optional(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Returns an optional section, empty where it is missing or has a fault of its own."""
    section = content.get(name)
    return section if isinstance(section, Mapping) else {}
