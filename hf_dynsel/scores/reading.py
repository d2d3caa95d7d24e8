"""Reads a table of scores that anyone may have written, checking all before use."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hf_dynsel.json_files import MOST_BYTES
from hf_dynsel.scores.files import TABLE_FILE, TABLES, Also
from hf_dynsel.scores.notes import NOTES_FILE, read_notes
from hf_dynsel.scores.row_hash import LENGTH
from hf_dynsel.scores.table import INDEX, PREFIX, ROW_HASH, ScoreTable

LONGEST_LABEL = 10_000  # characters
MOST_ROW_BYTES = 64 * 1024  # unpacked


def read_scores(folder: Path, also: Collection[Also] = (), source: str | None = None) -> ScoreTable:
    """Returns the scores that `save_scores` wrote into a folder.

    Args:
        folder: with `scores.parquet` and `scores.json`.
        also: what else is read.
        source: the repository and commit that the folder is a copy of.

    Raises:
        ValueError: if a file is missing, damaged, or does not fit the others.
    """
    for name in (NOTES_FILE, TABLE_FILE, *(f"{name}.parquet" for name in also)):
        if not (folder / name).is_file():
            raise ValueError(
                f"there is no file {folder / name}; scores are saved as {TABLE_FILE} and "
                f"{NOTES_FILE}, and codes and features as files of their own, by save_scores"
            )
    notes = read_notes(folder / NOTES_FILE)
    rows = _read_scores(folder / TABLE_FILE, notes)
    for name in also:
        extra = _read(folder / f"{name}.parquet", [INDEX, *TABLES[name]], notes["num_rows"])
        for column in TABLES[name]:
            _require_vectors(column, extra[column], folder / f"{name}.parquet")
            rows = rows.append_column(column, extra[column])
    return ScoreTable(rows, notes, source or str(folder), shared=source is not None)


def _read_scores(path: Path, notes: dict[str, Any]) -> pa.Table:
    scores = [PREFIX + name for name in notes["scores"]]
    hashed = [ROW_HASH] if notes["content"] else []
    table = _read(path, [INDEX, *notes["labels"], *hashed, *scores], notes["num_rows"])
    for name in scores:
        _require_finite(name, table[name], path)
    for name in hashed:
        _require_hashes(table[name], path)
    for name in notes["labels"]:
        _require_classes(name, table[name].type, path)
    return table


def _read(path: Path, wanted: list[str], num_rows: int) -> pa.Table:
    """Returns a Parquet file with these columns and rows, whose shape is checked first."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _require_shape(file, wanted, num_rows, path)
            texts = [f.name for f in file.schema_arrow if pa.types.is_string(f.type)]
        # Texts come as a dictionary, so that one long text on many rows is in memory once.
        table = pq.read_table(path, page_checksum_verification=True, read_dictionary=texts)
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as broken:
        raise ValueError(
            f"{path} is damaged or not Parquet ({broken}); save or download it again"
        ) from broken
    if not np.array_equal(table[INDEX].to_numpy(), np.arange(num_rows)):
        raise ValueError(
            f"column '{INDEX}' of {path} must count from 0 to {num_rows - 1}; "
            "its rows were reordered, dropped or repeated. Save or download it again"
        )
    return _plain(table, texts, path)


def _require_shape(file: pq.ParquetFile, wanted: list[str], num_rows: int, path: Path) -> None:
    if sorted(names := file.schema_arrow.names) != sorted(wanted):
        raise ValueError(
            f"{path} has the columns {names}, but {NOTES_FILE} asks for {wanted}: "
            "the two files do not belong together"
        )
    if file.metadata.num_rows != num_rows:
        raise ValueError(
            f"{path} has {file.metadata.num_rows:,} rows, but {NOTES_FILE} says {num_rows:,}: "
            "the two files do not belong together"
        )
    if num_rows > path.stat().st_size:
        raise ValueError(
            f"{path} claims {num_rows:,} rows in {path.stat().st_size:,} bytes, which is not "
            "possible; it is damaged or made to exhaust memory"
        )
    groups = range(file.metadata.num_row_groups)
    unpacked = sum(file.metadata.row_group(group).total_byte_size for group in groups)
    if unpacked > MOST_BYTES + num_rows * MOST_ROW_BYTES:
        raise ValueError(
            f"{path} unpacks to {unpacked:,} bytes, too many for {num_rows:,} rows; it is damaged "
            "or made to exhaust memory"
        )


def _plain(table: pa.Table, texts: list[str], path: Path) -> pa.Table:
    for name in texts:
        column = table[name].unify_dictionaries()
        longest = max((pc.max(pc.utf8_length(c.dictionary)).as_py() or 0) for c in column.chunks)
        if longest > LONGEST_LABEL:
            raise ValueError(f"column '{name}' of {path} holds a text of {longest:,} characters")
        place = table.column_names.index(name)
        table = table.set_column(place, name, column.cast(pa.string()))
    return table


def _require_finite(name: str, column: pa.ChunkedArray, path: Path) -> None:
    if column.type != pa.float32() or column.null_count or not _finite(column):
        raise ValueError(
            f"column '{name}' of {path} must hold finite float32 numbers; "
            "compute the scores again with add_scores"
        )


def _require_hashes(column: pa.ChunkedArray, path: Path) -> None:
    digits = f"^[0-9a-f]{{{LENGTH}}}$"
    if (
        column.type != pa.string()
        or not pc.all(pc.match_substring_regex(column, digits), skip_nulls=False).as_py()
    ):
        raise ValueError(
            f"column '{ROW_HASH}' of {path} must hold {LENGTH} hexadecimal digits in every row; "
            "save or download it again"
        )


def _require_classes(name: str, kind: pa.DataType, path: Path) -> None:
    if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind)):
        raise ValueError(
            f"column '{name}' of {path} must hold the number or the name of a class, got {kind}"
        )


def _require_vectors(name: str, column: pa.ChunkedArray, path: Path) -> None:
    """The rows must hold equally many finite numbers."""
    kind = column.type
    lists = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)
    number = lists and (
        pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)
    )
    flat = pc.list_flatten(column) if number else None
    lengths = pc.unique(pc.list_value_length(column)) if number else []
    if flat is None or len(lengths) != 1 or flat.null_count or not _finite(flat):
        raise ValueError(
            f"column '{name}' of {path} must hold equally many finite numbers in every row"
        )


def _finite(column: pa.ChunkedArray) -> bool:
    return all(np.isfinite(chunk.to_numpy(zero_copy_only=False)).all() for chunk in column.chunks)
