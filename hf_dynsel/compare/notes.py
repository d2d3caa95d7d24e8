"""What a reader must know of the methods of a comparison that no number says."""

from collections.abc import Iterable

from hf_dynsel.compare.cells import Cell
from hf_dynsel.compare.sizes import weighs
from hf_dynsel.recipe import Recipe


def loaded(recipe: Recipe) -> dict[str, str]:
    """Returns where a recipe loads scores, an autoencoder or adapters from, by section."""
    sections = {"scores": recipe.scores, "sae": recipe.sae, "adapters": recipe.adapters}
    return {
        name: str(given["from"]) for name, given in sections.items() if given and "from" in given
    }


def notes_of(cells: Iterable[Cell]) -> list[str]:
    """Returns what is not charged, and what no row of RS2 matches, once per method."""
    found: dict[str, None] = {}
    for cell in cells:
        for section, source in loaded(cell.recipe).items():
            cost = "their cost is not known and not charged"
            found[f"{cell.label}: {section} loaded from {source}: {cost}."] = None
        if weighs(cell.recipe.build_selector()):
            found[
                f"{cell.label}: leaves samples out within batches: its first epoch trains on "
                f"everything, which no row of RS2 with a tail matches, and more samples go "
                "forward than are trained on."
            ] = None
    return list(found)
