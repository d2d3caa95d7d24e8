"""Takes the folders of this machine out of what is published: they help nobody elsewhere."""

from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from hf_dynsel import yaml_files


def portable(recipe: str) -> str:
    """Returns a recipe without its output folder, and of other paths only the last name.

    Raises:
        ValueError: if it is no recipe.
    """
    content = yaml_files.parse(recipe, "the recipe")
    if not isinstance(content, dict):
        raise ValueError("the recipe must hold keys and values at its top level")
    kept = {key: value for key, value in content.items() if key != "output_dir"}
    return yaml_files.dump(without_folders(kept))


def without_folders(value: Any) -> Any:
    """Returns a plain value with the last name alone in place of every absolute path."""
    if isinstance(value, dict):
        return {key: without_folders(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_folders(part) for part in value]
    if isinstance(value, str):
        for kind in (PurePosixPath, PureWindowsPath):
            if kind(value).is_absolute() or value.startswith("~"):
                return kind(value).name
    return value
