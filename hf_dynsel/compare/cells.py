"""The runs of a comparison, each a recipe with a folder of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hf_dynsel import selectors
from hf_dynsel.compare.needed import needed
from hf_dynsel.compare_section import EPOCHS
from hf_dynsel.recipe import Recipe, check

NOT_IN_CELLS = ("compare", "tune", "hub", "output_dir")


@dataclass(frozen=True)
class Cell:
    """One run: a method at a budget with a seed.

    Args:
        keep: fraction of the pool.
        label: of the method.
        recipe: of the run, its seed and its folder included.
        origin: the data and the version that it is made from.
    """

    keep: float
    label: str
    recipe: Recipe
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self.recipe.seed

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.label}, keep {self.keep}, seed {self.seed}"


@dataclass(frozen=True)
class Source:
    """What the runs of a comparison are made from.

    Args:
        content: of the recipe, without the sections that are not for single runs.
        root: folder of the recipe's comparisons.
        origins: the data and the version that runs are made from, by seed.
    """

    content: Mapping[str, Any]
    root: Path
    origins: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """The recipe's number of epochs, T."""
        return int(self.content["trainer"].get("num_train_epochs", EPOCHS))

    def cell(
        self,
        rule: str,
        keep: float,
        label: str,
        selector: Mapping[str, Any],
        seed: int,
        length: Mapping[str, Any],
    ) -> Cell:
        """Returns a run, checked as every recipe is.

        A run whose length no rule changes, or that depends on no budget, is the same for all of
        them; its folder says so.

        Args:
            rule: that changes the length.
            keep: fraction of the pool.
            label: of the method.
            selector: `name` and all parameters.
            seed: of the run.
            length: what the rule changes in the section `trainer`.

        Raises:
            RecipeError: with every fault.
        """
        content = needed(self.content, selector)
        if "proxy" in content:  # the same proxies under every rule
            content["proxy"] = {"epochs": self.epochs, **content["proxy"]}
        trainer = {"save_strategy": "no", **content["trainer"], **length}
        budget = f"keep-{keep}" if length or selector.get("keep") else "any-keep"
        folder = self.root / (rule if length else "equal_epochs") / budget / label / f"seed-{seed}"
        own = {"trainer": trainer, "seed": seed, "output_dir": str(folder)}
        recipe = check(content | own, f"compare: {label} at keep {keep}")
        return Cell(keep, label, recipe, self.origins.get(seed, {}))


def source_of(recipe: Recipe) -> Source:
    """Returns what the runs of a recipe's comparison are made from."""
    plain = recipe.plain()
    content = {name: value for name, value in plain.items() if name not in NOT_IN_CELLS}
    return Source(content, Path(recipe.output_dir or f"outputs/{recipe.name}") / "compare")


def with_keep(selector: Mapping[str, Any], keep: float) -> dict[str, Any]:
    """Returns a selector's section with the fraction to keep, where the selector has one."""
    has = any(f.name == "keep" for f in fields(getattr(selectors, selector["name"])))
    return {**selector, "keep": keep} if has and "keep" not in selector else dict(selector)


def elsewhere(recipe: Recipe) -> dict[str, Any]:
    """Returns the content of a recipe, whatever folder it runs in."""
    return {name: value for name, value in recipe.plain().items() if name != "output_dir"}
