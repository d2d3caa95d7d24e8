"""Saves the scores of a dataset as a table of their own, and puts them back on the same data."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hf_dynsel.provenance import fingerprint, record, recorded, require_same
from hf_dynsel.scores.add import NOTE, PREFIX
from hf_dynsel.scores.columns import put_column, read_arrow

if TYPE_CHECKING:
    from datasets import Dataset

TABLE_FILE = "scores.parquet"
NOTES_FILE = "scores.json"
INDEX = "index"
KEYS = {"dataset_fingerprint": str, "num_rows": int, "labels": list, "scores": dict}


def save_scores(dataset: "Dataset", folder: str | Path) -> None:
    """Saves the score columns of a dataset without its data.

    `scores.parquet` has the row number (`index`), the class column if the scores read one, and
    the `score_*` columns. `scores.json` says which dataset these are the rows of, and the
    provenance of each score.

    Raises:
        ValueError: if there is no score, or one of unknown origin.
    """
    columns = [name for name in dataset.column_names if name.startswith(PREFIX)]
    noted = recorded(dataset).get(NOTE, {})
    unknown = [name for name in columns if name.removeprefix(PREFIX) not in noted]
    if unknown or not columns:
        raise ValueError(
            f"nothing is noted on the origin of {unknown}; compute them with add_scores"
            if unknown
            else "the dataset has no score columns; add some with add_scores"
        )
    entries = {name: noted[name] for name in (c.removeprefix(PREFIX) for c in columns)}
    labels = sorted({entry["label"] for entry in entries.values()} - {None})
    table = read_arrow(dataset, [*labels, *columns]).replace_schema_metadata(None)
    table = table.add_column(0, INDEX, pa.array(np.arange(len(dataset))))
    notes = {
        "dataset_fingerprint": fingerprint(dataset),
        "num_rows": len(dataset),
        "labels": labels,
        "scores": entries,
    }
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, target / TABLE_FILE, write_page_checksum=True)
    text = json.dumps(notes, indent=2, sort_keys=True) + "\n"
    (target / NOTES_FILE).write_text(text, encoding="utf-8")


def attach_scores(dataset: "Dataset", folder: str | Path) -> "Dataset":
    """Returns the dataset with the score columns and notes that `save_scores` wrote.

    Raises:
        ValueError: if the scores are of other data, whose number of rows, fingerprint or labels
            differ, or if a file is missing or damaged.
    """
    notes = _read_notes(Path(folder) / NOTES_FILE)
    require_same("the number of rows", notes["num_rows"], len(dataset))
    require_same("the dataset fingerprint", notes["dataset_fingerprint"], fingerprint(dataset))
    table = _read_table(Path(folder) / TABLE_FILE, notes)
    for label in notes["labels"]:
        _require_same_labels(label, table[label], read_arrow(dataset, [label])[label])
    for name in notes["scores"]:
        values = table[PREFIX + name].to_numpy()
        dataset = put_column(dataset, PREFIX + name, values)
    return record(dataset, NOTE, recorded(dataset).get(NOTE, {}) | notes["scores"])


def _read_notes(path: Path) -> dict[str, Any]:
    _require_file(path)
    try:
        notes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as broken:
        raise ValueError(f"{path} is not JSON ({broken}); save or download it again") from broken
    for key, kind in KEYS.items():
        if not isinstance(notes, dict) or not isinstance(notes.get(key), kind):
            raise ValueError(f"{path} lacks a valid '{key}'; save or download it again")
    return notes


def _read_table(path: Path, notes: dict[str, Any]) -> pa.Table:
    _require_file(path)
    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowInvalid, OSError) as broken:
        raise ValueError(
            f"{path} is damaged or not Parquet ({broken}); save or download it again"
        ) from broken
    wanted = [INDEX, *notes["labels"], *(PREFIX + name for name in notes["scores"])]
    if sorted(table.column_names) != sorted(wanted):
        raise ValueError(
            f"{path} has the columns {table.column_names}, but {NOTES_FILE} asks for {wanted}: "
            "the two files do not belong together"
        )
    if not np.array_equal(table[INDEX].to_numpy(), np.arange(notes["num_rows"])):
        raise ValueError(
            f"column '{INDEX}' of {path} must count from 0 to {notes['num_rows'] - 1}; "
            "its rows were reordered, dropped or repeated. Save or download it again"
        )
    for name in wanted[1 + len(notes["labels"]) :]:
        _require_finite(name, table[name], path)
    return table


def _require_finite(name: str, column: pa.ChunkedArray, path: Path) -> None:
    if column.type != pa.float32() or not np.isfinite(column.to_numpy()).all():
        raise ValueError(
            f"column '{name}' of {path} must hold finite float32 numbers; "
            "compute the scores again with add_scores"
        )


def _require_same_labels(name: str, noted: pa.ChunkedArray, here: pa.ChunkedArray) -> None:
    if noted.type == here.type and noted.equals(here):
        return
    require_same(f"the type of column '{name}'", str(noted.type), str(here.type))
    pairs = enumerate(zip(noted.to_pylist(), here.to_pylist(), strict=True))
    row, (old, new) = next((r, p) for r, p in pairs if p[0] != p[1])
    require_same(f"'{name}' of row {row}", old, new)


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise ValueError(
            f"there is no file {path}; scores are saved as {TABLE_FILE} and {NOTES_FILE}, "
            "which save_scores writes"
        )
