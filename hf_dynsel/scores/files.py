"""Saves the scores of a dataset as a table of their own, without its data."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hf_dynsel.provenance import fingerprint, recorded
from hf_dynsel.scores.add import NOTE
from hf_dynsel.scores.columns import read_arrow
from hf_dynsel.scores.notes import NOTES_FILE, TABLE_FILE
from hf_dynsel.scores.row_hash import content_columns, row_hashes
from hf_dynsel.scores.table import CODES, FEATURES, INDEX, PREFIX, ROW_HASH

if TYPE_CHECKING:
    from datasets import Dataset

Also = Literal["codes", "features"]
TABLES: Mapping[Also, tuple[str, ...]] = MappingProxyType({"codes": CODES, "features": FEATURES})
STAGES = {"sae_indices": "sae", "sae_values": "sae", "features": "features"}


def save_scores(
    dataset: "Dataset",
    folder: str | Path,
    *,
    hashed: bool = True,
    also: Collection[Also] = (),
) -> None:
    """Saves the score columns of a dataset without its data.

    `scores.parquet` has the row number (`index`), the class column if the scores read one, a hash
    of what each row holds (`row_hash`) and the `score_*` columns. `scores.json` says which
    dataset these are the rows of, and the provenance of each score. `codes.parquet` and
    `features.parquet` are there if asked for. Of data that may not be passed on, the classes are
    hashed with the rows, and their column is left out.

    Args:
        folder: made if missing.
        hashed: whether rows are hashed, which reads all data once. Without it, the scores can be
            attached to the same dataset in the same order alone.
        also: what else is saved, so that others can compute further scores from it.

    Raises:
        ValueError: if there is no score, or one of unknown origin, or no codes or features.
    """
    columns = [name for name in dataset.column_names if name.startswith(PREFIX)]
    entries = _entries(dataset, columns)
    _require_made(dataset, also)
    labels = labels_of(entries)
    notes = recorded(dataset)
    content = content_columns(dataset, labels) if hashed else []
    if hashed and notes.get("source", {}).get("redistribution") is False:
        content, labels = [*content, *labels], []  # the classes are a part of what is protected
    table = _numbered(dataset, [*labels, *columns])
    if content:
        table = table.add_column(1 + len(labels), ROW_HASH, row_hashes(dataset, content))
    target = Path(folder)
    clear_tables(target)
    write_table(table, target / TABLE_FILE)
    for name in also:
        write_table(_numbered(dataset, list(TABLES[name])), target / f"{name}.parquet")
    stages = {STAGES[column] for name in also for column in TABLES[name]}
    made = {"columns": {stage: notes[stage] for stage in sorted(stages) if stage in notes}}
    write_notes(dataset, entries, target, {"labels": labels, "content": content, **made})


def clear_tables(folder: Path) -> None:
    """Makes a folder if it is missing, and removes the tables of scores that are in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in folder.glob("scores*.parquet"):  # another number of processes wrote other files
        table.unlink()


def labels_of(entries: Mapping[str, Any]) -> list[str]:
    """Returns the class columns that scores read, given what is noted of each."""
    return sorted({entry["label"] for entry in entries.values()} - {None})


def write_notes(
    dataset: "Dataset", entries: Mapping[str, Any], folder: Path, table: Mapping[str, Any]
) -> None:
    """Writes which dataset a table of scores is of, and how they came.

    Args:
        entries: the provenance of each score.
        table: what else is to be known of the files.
    """
    kinds = dataset.features
    content_of = {
        "dataset_fingerprint": fingerprint(dataset),
        "num_rows": len(dataset),
        "classes": {n: kinds[n].names for n in table["labels"] if hasattr(kinds[n], "names")},
        "source": recorded(dataset).get("source", {}),
        "scores": entries,
        **table,
    }
    text = json.dumps(content_of, indent=2, sort_keys=True) + "\n"
    (folder / NOTES_FILE).write_text(text, encoding="utf-8")


def _entries(dataset: "Dataset", columns: list[str]) -> dict[str, Any]:
    noted = recorded(dataset).get(NOTE, {})
    unknown = [name for name in columns if name.removeprefix(PREFIX) not in noted]
    if unknown or not columns:
        raise ValueError(
            f"nothing is noted on the origin of {unknown}; compute them with add_scores"
            if unknown
            else "the dataset has no score columns; add some with add_scores"
        )
    return {name: noted[name] for name in (c.removeprefix(PREFIX) for c in columns)}


def _require_made(dataset: "Dataset", also: Collection[Also]) -> None:
    for name in also:
        if name not in TABLES:
            raise ValueError(f"also may name {' and '.join(TABLES)}, got {name!r}")
        if missing := [c for c in TABLES[name] if c not in dataset.column_names]:
            raise ValueError(
                f"the dataset has no {name} to save: it lacks the column '{missing[0]}'; leave "
                f"'{name}' out of also"
            )


def _numbered(dataset: "Dataset", columns: list[str]) -> pa.Table:
    table = read_arrow(dataset, columns).replace_schema_metadata(None)
    return table.add_column(0, INDEX, pa.array(np.arange(len(dataset))))


def write_table(table: pa.Table, path: Path) -> None:
    """Writes Parquet whose pages have checksums."""
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)
