"""Reads YAML as recipes mean it: safe, no key twice, 1e-3 a number and no a word."""

import re
from pathlib import Path
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    pass


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                line = node.start_mark.line + 1
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice below line {line}", node.start_mark
                )
        return super().construct_mapping(node, deep)


for _side in (_Loader, _Dumper):
    # YAML 1.1 takes yes, no, on and off for booleans, and `save_strategy: no` would be false.
    _side.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _side.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"^(true|True|false|False)$"), list("tTfF")
    )
    # YAML 1.1 takes a number with an exponent for text unless it has a point and a sign.
    _side.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
        list("-+.0123456789"),
    )


def parse(text: str, source: str) -> Any:
    """Returns the plain value that a YAML text holds.

    Raises:
        ValueError: if it is not YAML, or has a key twice; the message names the source.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a subclass of SafeLoader)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none, say
        raise ValueError(f"{source} is not valid YAML: {error}") from error


def read(path: Path) -> Any:
    """Returns the plain value that a YAML file holds."""
    return parse(path.read_text(encoding="utf-8"), str(path))


def dump(value: Any) -> str:
    """Returns a plain value as YAML, keys in their order."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


def write(value: Any, path: Path) -> None:
    """Writes a plain value, keys in their order."""
    path.write_text(dump(value), encoding="utf-8")
