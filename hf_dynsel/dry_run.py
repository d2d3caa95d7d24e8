"""Sets a recipe's parts up on a made-up pool: finds values out of range, and what is missing."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_dynsel import scores
from hf_dynsel.core import Pool, Selector
from hf_dynsel.made_up import made_up_pool
from hf_dynsel.proxy_section import PROXY_COLUMNS, build_scores, collectable
from hf_dynsel.recipe_sections import scores_read
from hf_dynsel.section_checks import exported

if TYPE_CHECKING:
    from hf_dynsel.recipe import Recipe


def dry_run(recipe: "Recipe") -> Iterator[str]:
    """Yields what is wrong with the values of a recipe whose sections are in order."""
    attempts: dict[str, Callable[[], Any]] = {
        "trainer": recipe.build_arguments,
        "scores": lambda: build_scores(recipe.scores or {}),
        "proxy.scores": recipe.check_proxy,
        "adapters": recipe.check_adapters,
        "mixing": lambda: recipe.build_mixing(2),
        "dataset.long_tail": recipe.check_long_tail,
        "dataset.label_noise": recipe.check_label_noise,
    }
    if not recipe.is_text:
        attempts["model"] = recipe.build_transform
    for section, attempt in attempts.items():
        try:
            attempt()
        except (ValueError, TypeError) as error:
            yield f"{section}: {error}"
    try:
        selector = recipe.build_selector()
        if unmade := list(_unmade(recipe, selector)):
            yield from unmade
            return
        selector.setup(_pool_of(recipe, selector), 10)
    except (ValueError, TypeError) as error:
        yield f"selector: {error}"
        return
    if recipe.is_text and selector.augments():
        yield (
            "selector.augment: marks samples for light augmentation, and texts have none; set it "
            "to false, or to 0 if it is a fraction"
        )


def _unmade(recipe: "Recipe", selector: Selector) -> Iterator[str]:
    """Yields a fault for each column that the selector reads and no section makes."""
    proxy = (recipe.proxy or {}).get("vectors")
    made = {"features": recipe.features, "sae_indices": recipe.sae, "sae_values": recipe.sae}
    made |= dict.fromkeys(PROXY_COLUMNS, proxy)
    sections = {"features": "'features'", "sae_indices": "'sae'", "sae_values": "'sae'"}
    sections |= dict.fromkeys(PROXY_COLUMNS, "'proxy' with vectors: true")
    yield from _unmade_scores(recipe, selector)
    for name in sorted(selector.reads()):
        if name not in made:
            yield f"selector: reads the column '{name}', which a recipe cannot make"
        elif not made[name]:
            kind = type(selector).__name__
            yield f"selector: {kind} reads '{name}'; add the section {sections[name]}"


def _unmade_scores(recipe: "Recipe", selector: Selector) -> Iterator[str]:
    """Yields a fault for each score that the selector reads and another section would make."""
    if "from" in (recipe.scores or {}):
        return
    computed, collected = exported(scores, scores.Score), collectable()
    sections = {kind.name: f"proxy.scores.{name}" for name, kind in collected.items()}
    sections |= {kind.name: f"scores.{name}" for name, kind in computed.items()}
    given = {**(recipe.scores or {}), **(recipe.proxy or {}).get("scores", {})}
    made = {(computed | collected)[name].name for name in given}
    for name in scores_read(selector.config()):
        if name in sections and name not in made:
            yield f"selector: reads the score '{name}', which is not made; add {sections[name]}"


def _pool_of(recipe: "Recipe", selector: Selector) -> Pool:
    """Returns a pool with the scores of the recipe; of loaded ones, those the selector reads."""
    known = exported(scores, scores.Score) | collectable()
    given = {**(recipe.scores or {}), **(recipe.proxy or {}).get("scores", {})}
    names = [known[name].name for name in given if name in known]
    if recipe.scores and "from" in recipe.scores:
        names += scores_read(selector.config())
    numbers = [n for n in recipe.selector.values() if type(n) is int]  # rows, numbers of neighbours
    labels = np.arange(max(100, *numbers, 0) + 1) % 2
    rising = np.arange(float(len(labels)))
    return made_up_pool(selector, labels, dict.fromkeys(names, rising))
