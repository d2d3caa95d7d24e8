"""Shares the scores of a dataset on the Hub, so that others train on them without computing any."""

import json
import shutil
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from datasets.table import embed_table_storage

from hf_dynsel.cards.render import save_figures
from hf_dynsel.cards.scores import scores_card
from hf_dynsel.data.rsd15k import RISKS
from hf_dynsel.data.source import source_of
from hf_dynsel.hub import Pushed, push
from hf_dynsel.json_files import read_object
from hf_dynsel.report.card_figures import score_figures
from hf_dynsel.report.picture import Picture
from hf_dynsel.scores import load_scores, save_scores
from hf_dynsel.scores.files import TABLES, Also, clear_tables
from hf_dynsel.scores.load import pull_scores
from hf_dynsel.scores.notes import NOTES_FILE, TABLE_FILE, table_parts
from hf_dynsel.scores.table import PREFIX
from hf_dynsel.sharing.portable import portable, without_folders

ORIGINALS_FILE = "originals.parquet"
CARD = "README.md"
RECIPE_FILE = "recipe.yaml"
TABLE_FILES = tuple(f"{name}.parquet" for name in TABLES)
FIGURES = ("figures/scores.png", "figures/scores_joint.png")
SOME_ROWS = 1000
OWNED = (TABLE_FILE, NOTES_FILE, ORIGINALS_FILE, RECIPE_FILE, *TABLE_FILES, *FIGURES)


def push_scores(
    dataset: Dataset,
    repo_id: str,
    *,
    also: Collection[Also] = (),
    originals: Sequence[str] = (),
    recipe: str = "",
    license: str | None = None,
    private: bool = False,
    revision: str | None = None,
    dry_run: bool = False,
) -> Pushed:
    """Pushes the score columns of a dataset to a dataset repository of its own, with a card.

    What the rows hold, texts or images, is not uploaded unless its columns are named: only a hash
    of each row is, by which `attach` finds it again. Data whose terms forbid to pass them on are
    known by the note of their loader, which a copy through plain Python values loses; of RSD_15K
    also by the names of its classes. Of such data the classes are not uploaded either.

    Args:
        dataset: with scores of `add_scores`.
        repo_id: `user/name`.
        also: `codes` and `features`, from which others can compute further scores.
        originals: columns of texts, images or anything else that are uploaded too.
        recipe: text of the recipe that made the scores, for the card.
        license: of the data, an identifier that the Hub knows; what is noted on them if None.
        private: makes a new repository private.
        revision: the branch; the default branch if None.
        dry_run: sends nothing; the result lists the files and their sizes.

    Raises:
        HubError: if the Hub refuses or cannot be reached; the text says what to do.
        ValueError: if there is no score, or one of unknown origin; or if originals, codes
            or features are asked for of data whose terms forbid to pass them on, as RSD_15K's do.
    """
    _require_allowed(dataset, originals, also)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        save_scores(dataset, folder, also=also)
        notes = _publishable(folder / NOTES_FILE, license)
        if originals:
            _save_originals(dataset, originals, folder / ORIGINALS_FILE)
        if recipe := portable(recipe) if recipe else "":
            (folder / RECIPE_FILE).write_text(recipe, encoding="utf-8")
        figures = _figures(dataset)
        save_figures(figures, folder)
        card = scores_card(notes, repo_id, recipe=recipe, figures=figures, originals=originals)
        (folder / CARD).write_text(card, encoding="utf-8")
        return push(
            folder,
            repo_id,
            repo_type="dataset",
            message="Share scores",
            owned=OWNED,
            private=private,
            revision=revision,
            dry_run=dry_run,
        )


def download_scores(
    repo_id: str, folder: Path, revision: str | None = None, *, also: Collection[Also] = ()
) -> str:
    """Returns the repository and commit whose checked scores are now in a folder of yours.

    Raises:
        HubError: if the repository cannot be had.
        ValueError: if a file is damaged or does not fit the others.
    """
    pulled = pull_scores(repo_id, revision, also)
    parts = table_parts(load_scores(pulled.folder, also=also).notes)
    clear_tables(folder)
    for name in (NOTES_FILE, *parts, *(f"{extra}.parquet" for extra in also)):
        shutil.copyfile(pulled.folder / name, folder / name)
    return pulled.source


def _require_allowed(dataset: Dataset, originals: Sequence[str], also: Collection[Also]) -> None:
    if absent := [name for name in originals if name not in dataset.column_names]:
        raise ValueError(
            f"originals names the column '{absent[0]}', which the dataset does not have "
            f"(it has: {', '.join(dataset.column_names)})"
        )
    source = source_of(dataset)
    if (originals or also) and (source.get("redistribution") is False or _is_rsd15k(dataset)):
        name = source.get("name", "RSD_15K")
        raise ValueError(
            f"{name} may not be passed on, and {', '.join([*originals, *also])} would: texts can "
            "be read out of what an encoder makes of them. Leave them out; scores and hashes of "
            "the rows are enough to train on"
        )


def _is_rsd15k(dataset: Dataset) -> bool:
    """Returns whether the classes are those of RSD_15K by name, should its note be lost."""
    risks = {risk.casefold() for risk in RISKS}
    for column, feature in dataset.features.items():
        names = getattr(feature, "names", None)
        if names is None and getattr(feature, "dtype", None) == "string":
            names = dataset.select_columns([column])[:SOME_ROWS][column]
        if names and {str(name).strip().casefold() for name in names} <= risks:
            return True
    return False


def _save_originals(dataset: Dataset, columns: Sequence[str], path: Path) -> None:
    """Saves columns with the files that they name, and without the folders these are in."""
    plain = dataset.select_columns(list(columns)).with_format("arrow")
    plain.map(embed_table_storage, batched=True, batch_size=SOME_ROWS).to_parquet(path)


def _publishable(path: Path, license: str | None) -> dict[str, Any]:
    """Returns the notes without the folders of this machine, which are left out of the file."""
    notes: dict[str, Any] = without_folders(read_object(path))
    if license is not None:
        notes["source"] = {**notes["source"], "license": license}
    path.write_text(json.dumps(notes, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return notes


def _figures(dataset: Dataset) -> list[Picture]:
    names = [name for name in dataset.column_names if name.startswith(PREFIX)]
    columns = dataset.select_columns(names).with_format("numpy")[:]
    scores = {name.removeprefix(PREFIX): columns[name] for name in names}
    return score_figures(scores)
