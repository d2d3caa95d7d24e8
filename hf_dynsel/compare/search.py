"""What a search over a selector's parameters tries, and the runs of one trial."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from hf_dynsel import selectors
from hf_dynsel.compare.arms import Arm, arms_of
from hf_dynsel.compare.cells import Cell, Source, source_of
from hf_dynsel.compare.matched import Labels, matched
from hf_dynsel.compare.origins import origins
from hf_dynsel.compare_section import Comparison
from hf_dynsel.data.split import label_array
from hf_dynsel.recipe import Recipe, RecipeError
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
        labels: of the training set.
    """

    source: Source
    selector: Mapping[str, Any]
    arm: Arm
    rule: str
    seeds: tuple[int, ...]
    space: Space
    labels: Labels

    @property
    def name(self) -> str:
        """What tells this search from those of other recipes, data, budgets or spaces."""
        of_runs = [self.source.content, self.source.origins]
        told = [*of_runs, self.selector, self.rule, self.seeds, self.space]
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
        """Returns the runs of a trial; those of the same parameters share a folder.

        Raises:
            ValueError: if the rule cannot match them to the budget.
        """
        arm = replace(self.arm, rows={_digest(section): section})
        cells = arm.cells(self.source, self.rule, self.seeds)
        matched(cells[0], self.rule, arm.budget, self.labels, self.source.epochs)
        return cells

    def check_ends(self) -> None:
        """Raises RecipeError if the selector refuses an end of an interval, or a choice."""
        found = []
        for key, space in self.space.items():
            for value in space.get("choices") or [space["low"], space["high"]]:
                section = {**self.selector, key.removeprefix(PREFIX): value}
                try:
                    replace(self.arm, rows={"end": section}).cells(self.source, self.rule, [0])
                except ValueError as wrong:
                    faults = wrong.faults if isinstance(wrong, RecipeError) else [str(wrong)]
                    found += [f"tune.{key}, at {value}: {fault}" for fault in faults]
        if found:
            raise RecipeError(f"the search of '{self.source.content['name']}'", found)


def search_of(recipe: Recipe, space: Space, wanted: Comparison) -> Search:
    """Returns the search over the selector of a recipe, at its `keep`.

    Args:
        recipe: of the runs.
        space: the section `tune`.
        wanted: rule and seeds.

    Raises:
        RecipeError: if the selector cannot be run as it stands, or at an end of the space.
        ValueError: if the rule is equal_seconds, or there is only the test split to choose on.
    """
    if wanted.rule == "equal_seconds":
        raise ValueError(
            "equal_seconds would time each trial in a run of its own; tune by equal_epochs, "
            "equal_steps or equal_samples"
        )
    recipe = replace(recipe, dataset={**recipe.dataset, "evaluate_on": "validation"})
    source = replace(source_of(recipe), root=source_of(recipe).root.with_name("tune"))
    selector = {key: value for key, value in recipe.selector.items() if key != "seed"}
    keep = selector.get("keep") or wanted.keeps[0]
    first = replace(recipe, seed=wanted.seeds[0])
    splits = load_data(first)
    labels = label_array(splits["train"])
    only = replace(wanted, keeps=(keep,), methods={selector["name"]: selector})
    (arm,) = arms_of(source, only, labels)
    source = replace(source, origins=origins(recipe, wanted.seeds, splits))
    search = Search(source, selector, arm, wanted.rule, wanted.seeds, space, labels)
    search.check_ends()
    return search


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
