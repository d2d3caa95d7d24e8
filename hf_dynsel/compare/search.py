"""What a search over a selector's parameters tries, and the runs of one trial."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from hf_dynsel import selectors
from hf_dynsel.compare.arms import Arm, arms_of
from hf_dynsel.compare.cells import Cell, Source, source_of
from hf_dynsel.compare.validation import without_test
from hf_dynsel.compare_section import Comparison
from hf_dynsel.data.split import label_array
from hf_dynsel.recipe import Recipe
from hf_dynsel.stages import load_data
from hf_dynsel.tune_section import PREFIX, is_real

if TYPE_CHECKING:
    from optuna import Trial

Space = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Search:
    """What is searched.

    Args:
        source: of the runs.
        selector: the section that trials change.
        arm: the budget.
        rule: of the budget.
        seeds: of the runs that a trial averages.
        space: interval or choices by key of the recipe.
    """

    source: Source
    selector: Mapping[str, Any]
    arm: Arm
    rule: str
    seeds: tuple[int, ...]
    space: Space

    @property
    def name(self) -> str:
        """What tells this search from those of other recipes, budgets or spaces."""
        told = [self.source.content, self.selector, self.rule, self.seeds, self.space]
        return _digest(told)

    def suggest(self, trial: "Trial") -> dict[str, Any]:
        """Returns the section of the selector that a trial tries."""
        kind = getattr(selectors, self.selector["name"])
        types = {field.name: field.type for field in fields(kind)}
        found = dict(self.selector)
        for key, space in self.space.items():
            name = key.removeprefix(PREFIX)
            if "choices" in space:
                found[name] = trial.suggest_categorical(name, space["choices"])
            elif is_real(space, types[name]):
                found[name] = trial.suggest_float(name, **space)
            else:
                found[name] = trial.suggest_int(name, **space)
        return found

    def cells(self, section: Mapping[str, Any]) -> list[Cell]:
        """Returns the runs of a trial; those of the same parameters share a folder."""
        arm = replace(self.arm, rows={_digest(section): section})
        return arm.cells(self.source, self.rule, self.seeds)


def search_of(recipe: Recipe, space: Space, wanted: Comparison) -> Search:
    """Returns the search over the selector of a recipe, at its `keep`.

    Args:
        recipe: of the runs.
        space: the section `tune`.
        wanted: rule and seeds.

    Raises:
        RecipeError: if the selector as it stands cannot be run.
        ValueError: if the rule is equal_seconds, or there is only the test split to choose on.
    """
    if wanted.rule == "equal_seconds":
        raise ValueError(
            "equal_seconds would time each trial in a run of its own; tune by equal_epochs, "
            "equal_steps or equal_samples"
        )
    source = replace(source_of(recipe), root=source_of(recipe).root.with_name("tune"))
    selector = {key: value for key, value in recipe.selector.items() if key != "seed"}
    keep = selector.get("keep") or wanted.keeps[0]
    first = replace(recipe, seed=wanted.seeds[0])
    train = without_test(load_data(first), first.seed)["train"]
    only = replace(wanted, keeps=(keep,), methods={selector["name"]: selector})
    (arm,) = arms_of(source, only, label_array(train))
    return Search(source, selector, arm, wanted.rule, wanted.seeds, space)


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
