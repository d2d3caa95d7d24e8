"""Reads a CSV file of private texts: its errors give row numbers, never a cell."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path


def read_private_csv(path: Path, columns: Sequence[str]) -> dict[str, list[str]]:
    """Returns the named columns of a UTF-8 CSV file; others may be there and are left out.

    Fields may hold commas and line breaks if they are quoted.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no UTF-8, is no well-formed CSV, lacks a column or has no rows.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    header, rows = _read(path)
    missing = [name for name in columns if name not in header]
    if missing:
        raise ValueError(
            f"{path} has no column {', '.join(map(repr, missing))} in its first line; it must "
            f"name {', '.join(columns)}"
        )
    if not rows:
        raise ValueError(f"{path} has a header but no rows")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise ValueError(
                f"{path}: row {number} after the header has {len(row)} fields, but the header "
                f"has {len(header)}; quote fields that hold commas or line breaks"
            )
    return {name: [row[header.index(name)] for row in rows] for name in columns}


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    fault = None
    try:
        file = io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")
        rows = [row for row in csv.reader(file, strict=True) if row]  # blank lines are no rows
    except UnicodeDecodeError as broken:
        fault = f"is no UTF-8: byte {broken.start} cannot be decoded; save it as UTF-8"
    except csv.Error as broken:
        fault = f"is no well-formed CSV: {broken}"
    # Raised out here, so that the error does not carry the cause, which holds the text.
    if fault is not None:
        raise ValueError(f"{path} {fault}")
    if not rows:
        raise ValueError(f"{path} is empty; its first line must name the columns")
    return rows[0], rows[1:]
