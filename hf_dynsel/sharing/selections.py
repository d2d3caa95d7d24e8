"""Shares the selection log of a run: which samples each epoch trained on."""

import shutil
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hf_dynsel.cards.selections import selections_card
from hf_dynsel.hub import Pushed, pull, push
from hf_dynsel.json_files import MOST_BYTES
from hf_dynsel.scores.pieces import read_pieces, require_within
from hf_dynsel.selection_log import FILE, SCHEMA
from hf_dynsel.sharing.run_card import README, facts_of_run

MOST_ROWS = 10**9
MOST_FILE = 8 * 2**30  # bytes
ROW_BYTES = 17  # unpacked: int32, int64, float32, bool
# Unpacked bytes for each byte of a file, beside MOST_BYTES: a log of all data has 2 to 4.
MOST_PACKED = 100
PIECE = 2**16  # rows


def push_selections(
    folder: str | Path,
    repo_id: str,
    *,
    model: str | None = None,
    scores: str | None = None,
    private: bool = False,
    revision: str | None = None,
    dry_run: bool = False,
) -> Pushed:
    """Pushes the selection log of a run to a dataset repository, with a card.

    Args:
        folder: of a finished `hf-dynsel run`.
        repo_id: `user/name`.
        model: repository of the trained model, for the card.
        scores: repository of the scores it was trained from, for the card.
        private: makes a new repository private.
        revision: the branch; the default branch if None.
        dry_run: sends nothing; the result lists the files and their sizes.

    Raises:
        HubError: if the Hub refuses or cannot be reached; the text says what to do.
        OSError: if the summary or the selections are missing.
        ValueError: if a file is damaged, or does not fit the others.
    """
    source = Path(folder)
    facts, _ = facts_of_run(source)
    read_selections(source / FILE)
    with TemporaryDirectory() as place:
        stage = Path(place)
        shutil.copyfile(source / FILE, stage / FILE)
        card = selections_card(facts, repo_id, model=model, scores=scores)
        (stage / README).write_text(card, encoding="utf-8", newline="")
        return push(
            stage,
            repo_id,
            repo_type="dataset",
            message="Share a selection log",
            owned=(FILE, README),
            private=private,
            revision=revision,
            dry_run=dry_run,
        )


def load_selections(name: str | Path, revision: str | None = None) -> pa.Table:
    """Returns a selection log: one row per sample and epoch, by epoch.

    Args:
        name: a run folder, or a dataset repository on the Hub.
        revision: branch, tag or commit of the repository.

    Raises:
        HubError: if the repository cannot be had, or the file is not what the Hub says it is.
        ValueError: if the file is missing, damaged or no selection log.
    """
    if Path(name).is_dir():
        return read_selections(Path(name) / FILE)
    pulled = pull(str(name), {FILE: MOST_FILE}, repo_type="dataset", revision=revision)
    return read_selections(pulled.folder / FILE)


def read_selections(path: Path) -> pa.Table:
    """Returns a selection log that anyone may have written, checked.

    Raises:
        ValueError: if the file is missing, damaged or no selection log.
    """
    if not path.is_file():
        raise ValueError(f"there is no {path}; a run with log_selections=True writes it")
    most = MOST_BYTES + path.stat().st_size * MOST_PACKED
    table = read_pieces(path, partial(_require_shape, path=path, most_bytes=most), most, PIECE)
    _require_values(table, path)
    return table


def _require_shape(file: pq.ParquetFile, path: Path, most_bytes: int) -> None:
    found = file.schema_arrow.remove_metadata()
    if not found.equals(SCHEMA):
        raise ValueError(
            f"{path} is no selection log: it has the columns {_words(found)}, and one has "
            f"{_words(SCHEMA)}"
        )
    if not 0 < file.metadata.num_rows <= MOST_ROWS:
        raise ValueError(
            f"{path} has {file.metadata.num_rows:,} rows, but a selection log has from 1 to "
            f"{MOST_ROWS:,}"
        )
    require_within(file.metadata.num_rows * ROW_BYTES, most_bytes, path)


def _require_values(table: pa.Table, path: Path) -> None:
    for name in table.column_names:
        if table[name].null_count:
            raise ValueError(f"column '{name}' of {path} lacks values; download it again")
    epochs, indices = table["epoch"].to_numpy(), table["index"].to_numpy()
    if epochs[0] < 0 or (np.diff(epochs) < 0).any():
        raise ValueError(f"the epochs of {path} must rise from 0; it was put in another order")
    if indices.min() < 0:
        raise ValueError(f"{path} has index {indices.min()}, but rows are numbered from 0")
    if not np.isfinite(table["weight"].to_numpy()).all():
        raise ValueError(f"column 'weight' of {path} holds NaN or an infinity")


def _words(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)
