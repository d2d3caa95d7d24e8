"""Loads a suite and the recipes of its members, and finds every fault of all of them at once."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_dynsel import yaml_files
from hf_dynsel.compare.cells import source_of, with_keep
from hf_dynsel.compare_section import comparison
from hf_dynsel.recipe import Recipe, RecipeError, load
from hf_dynsel.section_checks import optional
from hf_dynsel.signatures import unknown
from hf_dynsel.suite.faults import section_faults
from hf_dynsel.suite.section import Suite

OUTPUT = "output_dir"


@dataclass(frozen=True)
class Loaded:
    """A checked suite.

    Args:
        suite: what the file says.
        recipes: of the members to run, by name; each has a folder in that of the suite.
        folder: of the suite.
    """

    suite: Suite
    recipes: Mapping[str, Recipe]
    folder: Path


def is_suite(path: Path) -> bool:
    """Returns whether a file is a suite and not a recipe: it has the key `suite`."""
    content = yaml_files.read(path) if path.is_file() else None
    return isinstance(content, dict) and "suite" in content


def load_suite(path: Path, overrides: Sequence[str] = (), only: Collection[str] = ()) -> Loaded:
    """Returns a checked suite; nothing is built or downloaded.

    Args:
        path: the YAML file.
        overrides: `key.sub=value` for every member, after its own; `output_dir` is the suite's.
        only: names of the members to run; all if empty.

    Raises:
        RecipeError: with every fault of the suite and of the members to run.
    """
    content = dict(yaml_files.read(path))
    own = [one for one in overrides if one.partition("=")[0] == OUTPUT]
    for one in own:
        content[OUTPUT] = yaml_files.parse(one.partition("=")[2], one)
    members = {str(name): member for name, member in optional(content, "members").items()}
    found = section_faults(content)
    found += [
        unknown(name, list(members), "--only", "the suite") for name in sorted({*only} - {*members})
    ]
    folder = Path(str(content.get(OUTPUT) or f"outputs/{content['suite']}"))
    recipes = {}
    for name, member in members.items():
        if not only or name in only:
            changes = [*_changes(member), *(one for one in overrides if one not in own)]
            place = [f"{OUTPUT}={json.dumps(str(folder / name))}"]
            recipe = _recipe(path.parent, name, member, [*changes, *place], found)
            if recipe is not None:
                recipes[name] = recipe
    if found:
        raise RecipeError(str(path), found)
    return Loaded(Suite(**{**content, "members": members}), recipes, folder)


def _changes(member: Any) -> list[str]:
    changes = member.get("set") if isinstance(member, Mapping) else None
    return [one for one in changes if isinstance(one, str)] if isinstance(changes, list) else []


def _recipe(
    base: Path, name: str, member: Any, changes: Sequence[str], found: list[str]
) -> Recipe | None:
    """Returns the recipe of a member; its faults are added to those found."""
    if not isinstance(member, Mapping) or not isinstance(member.get("recipe"), str):
        return None  # which the section's own faults say
    try:
        recipe = load(base / member["recipe"], changes)
    except (ValueError, OSError) as wrong:
        faults = wrong.faults if isinstance(wrong, RecipeError) else [str(wrong)]
        found += [f"members.{name}: {fault}" for fault in faults]
        return None
    found += [f"members.{name}: {fault}" for fault in _methods(recipe)]
    return recipe


def _methods(recipe: Recipe) -> Iterator[str]:
    """Yields the faults of each method of a comparison, as a run of its own."""
    wanted, source = comparison(recipe.compare, recipe.selector), source_of(recipe)
    keep, seed = wanted.keeps[0], wanted.seeds[0]
    for label, section in wanted.methods.items():
        try:
            source.cell("equal_epochs", keep, label, with_keep(section, keep), seed, {})
        except (ValueError, TypeError) as wrong:
            faults = wrong.faults if isinstance(wrong, RecipeError) else [str(wrong)]
            yield from (f"compare.methods.{label}: {fault}" for fault in faults)
