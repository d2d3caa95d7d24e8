"""Pushes what a recipe or a run made to the Hub, and pulls what others made."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal, get_args

from datasets import Dataset

from hf_dynsel.encoding import featured
from hf_dynsel.features import Adapters
from hf_dynsel.hub import HubError, Pushed
from hf_dynsel.hub.push import require_token
from hf_dynsel.ledger import Ledger
from hf_dynsel.recipe import Recipe, load
from hf_dynsel.sae import SparseAutoencoder, add_codes
from hf_dynsel.scores import attach, load_scores
from hf_dynsel.scores.files import Also
from hf_dynsel.sharing import download_scores, pull_run, push_run, push_scores
from hf_dynsel.stages import ADAPTERS, SAE, load_data

Part = Literal["scores", "sae", "adapters", "run"]
PARTS: tuple[Part, ...] = get_args(Part)
RECIPE = "recipe.yaml"


def publish(
    part: Part,
    folder: Path,
    repo_id: str,
    *,
    also: Collection[Also] = (),
    originals: Collection[str] = (),
    license: str | None = None,
    private: bool = False,
    revision: str | None = None,
    dry_run: bool = False,
) -> list[Pushed]:
    """Returns what was pushed of a run folder, one entry per repository.

    Args:
        part: the run itself, or what it made: scores, sparse autoencoder, adapters.
        folder: the run folder; of an autoencoder or adapters, also one that `save_pretrained`
            wrote.
        repo_id: `user/name`. The log of a run's selections goes to `<repo_id>-selections`.
        also: codes and features that go with the scores.
        originals: columns of texts or images that go with the scores.
        license: of the data; for a model, of the model.
        private: makes a new repository private.
        revision: the branch; the default branch if None.
        dry_run: sends nothing.

    Raises:
        HubError: if the Hub refuses or cannot be reached.
        ValueError: if the folder has no such part.
    """
    if part != "scores" and (also or originals):
        raise ValueError(f"'also' and 'originals' go with scores; leave them out for '{part}'")
    target: Any = {"private": private, "revision": revision, "dry_run": dry_run}
    if part == "run":
        return list(push_run(folder, repo_id, license=license, **target))
    if part == "scores":
        recipe = _recipe_of(folder)
        scored = _scored(recipe, folder, also)
        text = (folder / RECIPE).read_text(encoding="utf-8")
        asked: Any = {"also": also, "originals": list(originals), "license": license}
        return [push_scores(scored, repo_id, recipe=text, **asked, **target)]
    kind = SparseAutoencoder if part == "sae" else Adapters
    model = kind.from_pretrained(_model_folder(folder, SAE if part == "sae" else ADAPTERS))
    return [model.push_to_hub(repo_id, license=license, **target)]


def require_ready(recipe: Recipe) -> None:
    """Raises HubError if a recipe is to push its results and nobody is logged in."""
    for part in PARTS:
        if part in (recipe.hub or {}):
            require_token(f"repository '{(recipe.hub or {})[part]}'")


def publish_all(recipe: Recipe) -> list[Pushed]:
    """Returns what was pushed of a finished run, as its recipe's section `hub` says.

    Raises:
        HubError: if the Hub refuses or cannot be reached; what the run made is kept.
    """
    settings: Any = recipe.hub or {}
    options = {key: settings[key] for key in ("private", "license") if key in settings}
    pushed = []
    for part in [part for part in PARTS if part in settings]:
        also = settings.get("also", ()) if part == "scores" else ()
        try:
            pushed += publish(part, recipe.folder, settings[part], also=also, **options)
        except (OSError, ValueError) as refused:
            again = f"hf-dynsel push {part} {recipe.folder} {settings[part]}"
            raise HubError(f"{refused}. The run is finished; push it later: {again}") from refused
    return pushed


def fetch(
    part: Part,
    repo_id: str,
    folder: Path,
    *,
    revision: str | None = None,
    also: Collection[Also] = (),
) -> str:
    """Returns the repository and commit whose checked files are now in a folder of yours.

    Raises:
        HubError: if the repository cannot be had.
        ValueError: if the folder holds files already, or a file is damaged.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is a file or holds some already; give a new or empty folder")
    if part != "scores" and also:
        raise ValueError(f"'also' goes with scores; leave it out for '{part}'")
    if part == "scores":
        return download_scores(repo_id, folder, revision, also=also)
    if part == "run":
        return pull_run(repo_id, folder, revision)
    kind = SparseAutoencoder if part == "sae" else Adapters
    model = kind.from_pretrained(repo_id, revision)
    model.save_pretrained(folder)
    return str(model.source)


def _recipe_of(folder: Path) -> Recipe:
    if not (folder / RECIPE).is_file():
        raise ValueError(
            f"{folder} has no {RECIPE}: scores are pushed from a run folder, whose recipe says "
            "which data they are of; or by hf_dynsel.push_scores(dataset, ...)"
        )
    return load(folder / RECIPE)


def _scored(recipe: Recipe, folder: Path, also: Collection[Also]) -> Dataset:
    """Returns the training set with the run's scores, and features and codes if asked for."""
    if not (folder / "scores").is_dir():
        raise ValueError(f"{folder} has no scores: its selector needs none, or the run was cut off")
    train = load_data(recipe)["train"]
    if also and not recipe.features:
        raise ValueError(f"the recipe in {folder} has no features, so neither these nor codes")
    if also:
        train = featured(recipe, train, Ledger())
    if "codes" in also:
        sae = SparseAutoencoder.from_pretrained(_model_folder(folder, SAE))
        train = add_codes(train, sae)
    return attach(train, load_scores(folder / "scores"))


def _model_folder(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).is_dir() else folder
