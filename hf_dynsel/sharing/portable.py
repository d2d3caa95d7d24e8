"""Takes the folders of this machine out of what is published: they help nobody elsewhere."""

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from hf_dynsel import yaml_files

SECRET = re.compile(r"(^|_)(token|key|secret|password)$")
LOCAL = re.compile(r"^(file:|local-dir:)")


def portable(recipe: str) -> str:
    """Returns a recipe without output folder and secrets, and of paths only the last name.

    Raises:
        ValueError: if it is no recipe.
    """
    content = yaml_files.parse(recipe, "the recipe")
    if not isinstance(content, dict):
        raise ValueError("the recipe must hold keys and values at its top level")
    kept = {key: value for key, value in content.items() if key != "output_dir"}
    return yaml_files.dump(without_folders(kept))


def without_folders(value: Any) -> Any:
    """Returns a plain value with only the last name of paths to this machine, and no secrets."""
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if not SECRET.search(str(key))}
        return {key: without_folders(part) for key, part in kept.items()}
    if isinstance(value, list):
        return [without_folders(part) for part in value]
    if isinstance(value, str):
        plain = LOCAL.sub("", value)
        for kind in (PurePosixPath, PureWindowsPath):
            path = kind(plain)
            if path.is_absolute() or plain.startswith("~") or ".." in path.parts:
                return path.name
    return value
