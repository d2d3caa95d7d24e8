"""The notes beside a table of scores: which dataset these are the rows of, and how they came."""

from collections.abc import Mapping
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from hf_dynsel.json_files import read_object

NOTES_FILE = "scores.json"
MOST_ROWS = 10**10
FIELDS = {
    "dataset_fingerprint": str,
    "num_rows": int,
    "labels": list,
    "content": list,
    "columns": dict,
    "source": dict,
    "scores": dict,
    "classes": dict,
    "parts": list,
}
LATER: dict[str, Any] = {
    "content": [],
    "columns": {},
    "source": {},
    "classes": {},
    "parts": [],
}  # not in files of version 0.1
MOST_PARTS = 1024
TABLE_FILE = "scores.parquet"


def read_notes(path: Path) -> dict[str, Any]:
    """Returns the checked notes of a table of scores.

    Raises:
        ValueError: if the file is damaged, or an entry is missing or of another type.
    """
    notes = {**LATER, **read_object(path)}
    for key, kind in FIELDS.items():
        if type(notes.get(key)) is not kind:
            raise ValueError(f"{path} lacks a valid '{key}'; save or download it again")
    if not 0 < notes["num_rows"] <= MOST_ROWS:
        raise ValueError(
            f"{path} has num_rows {notes['num_rows']}, but it must be from 1 to {MOST_ROWS:,}"
        )
    for key in ("labels", "content"):
        if not all(isinstance(name, str) for name in notes[key]):
            raise ValueError(f"{path}: '{key}' must list names of columns, got {notes[key]!r}")
    _check_parts(notes["parts"], notes["num_rows"], path)
    for name, names in notes["classes"].items():
        if not (isinstance(names, list) and all(isinstance(one, str) for one in names)):
            raise ValueError(f"{path}: 'classes' must list the names of '{name}', got {names!r}")
    for name, entry in notes["scores"].items():
        _check_entry(name, entry, [*notes["labels"], *notes["content"]], path)
    return notes


def table_parts(notes: Mapping[str, Any]) -> dict[str, range]:
    """Returns the files of a table of scores, and the rows that each has: one file or several."""
    sizes = notes.get("parts") or [notes["num_rows"]]
    ends = [0, *accumulate(sizes)]
    names = part_names(len(sizes))
    return {name: range(*rows) for name, rows in zip(names, pairwise(ends), strict=True)}


def part_names(count: int) -> list[str]:
    """Returns what the files of a table in so many parts are called."""
    if count == 1:
        return [TABLE_FILE]
    return [f"scores-{part:05d}-of-{count:05d}.parquet" for part in range(count)]


def _check_parts(parts: list[Any], num_rows: int, path: Path) -> None:
    whole = all(type(rows) is int and rows >= 0 for rows in parts) and len(parts) <= MOST_PARTS
    if parts and not (whole and sum(parts) == num_rows):
        raise ValueError(
            f"{path}: 'parts' must list the rows of each file, {num_rows:,} in all; save or "
            "download it again"
        )


def _check_entry(name: str, entry: Any, columns: list[str], path: Path) -> None:
    if not name.isidentifier():
        raise ValueError(f"{path} has a score called {name!r}, which is no name")
    if not (isinstance(entry, dict) and isinstance(entry.get("class"), str)):
        raise ValueError(f"{path} does not say how the score '{name}' was computed")
    entry.setdefault("label", None)
    if entry["label"] is not None and entry["label"] not in columns:
        raise ValueError(
            f"{path}: the score '{name}' reads the classes {entry['label']!r}, but the table has "
            f"no such column"
        )
    for key in ("config", "features", "sae", "adapters", "attached"):
        if not isinstance(entry.get(key), dict | None):
            raise ValueError(
                f"{path}: '{key}' of the score '{name}' must be an object, got {entry[key]!r}"
            )
