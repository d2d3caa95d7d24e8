"""Says what a run was made from beside its recipe: the data, and the version of this library."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from datasets import Dataset

from hf_dynsel.provenance import fingerprint, library_version
from hf_dynsel.recipe import Recipe
from hf_dynsel.stages import load_data

Origin = Mapping[str, Any]


def origins(
    recipe: Recipe, seeds: Sequence[int], first: Mapping[str, Dataset]
) -> dict[int, Origin]:
    """Returns the origin of the runs of each seed; data that no seed changes is not loaded again.

    Args:
        recipe: of the runs.
        seeds: of the runs.
        first: splits of the first seed.
    """
    known = _origin(first)
    if not _drawn_by_seed(recipe.dataset):
        return dict.fromkeys(seeds, known)
    others = {seed: _origin(load_data(replace(recipe, seed=seed))) for seed in seeds[1:]}
    return {seeds[0]: known, **others}


def _origin(splits: Mapping[str, Dataset]) -> Origin:
    data = {name: fingerprint(split) for name, split in splits.items()}
    return {"library": library_version(), "data": data}


def _drawn_by_seed(section: Mapping[str, Any]) -> bool:
    """Returns whether the seed of a run decides what is in its training set."""
    held_out = section.get("evaluate_on", "test") != "test"
    cut = held_out or any(section.get(key) is not None for key in ("train_size", "long_tail"))
    noise = section.get("label_noise")
    return (cut and "subset_seed" not in section) or (noise is not None and "seed" not in noise)
