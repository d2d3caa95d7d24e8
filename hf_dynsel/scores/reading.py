"""Reads a table of scores that anyone may have written, checking all before use."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hf_dynsel.json_files import MOST_BYTES
from hf_dynsel.scores.files import TABLES, Also
from hf_dynsel.scores.notes import NOTES_FILE, TABLE_FILE, read_notes, table_parts
from hf_dynsel.scores.pieces import read_pieces, require_within
from hf_dynsel.scores.row_hash import LENGTH
from hf_dynsel.scores.table import INDEX, PREFIX, ROW_HASH, ScoreTable

LONGEST_LABEL = 10_000  # characters
# Unpacked bytes, beside MOST_BYTES for each table.
ROW_BYTES = 1024  # of scores: a hash, a class and some scores
VECTOR_BYTES = 64 * 1024  # of codes or features
MOST_PACKED = 1000  # bytes of codes or features for each byte of their file
PIECE = 128  # rows
ROWS_PER_BYTE = 4  # a counter alone takes a byte a row, packed
Check = Callable[[str, pa.DataType, Path], None]


def read_scores(folder: Path, also: Collection[Also] = (), source: str | None = None) -> ScoreTable:
    """Returns the scores that `save_scores` wrote into a folder.

    Args:
        folder: with `scores.json`, and `scores.parquet` or the parts of it.
        also: what else is read.
        source: the repository and commit that the folder is a copy of.

    Raises:
        ValueError: if a file is missing, damaged, or does not fit the others.
    """
    _require_file(folder, NOTES_FILE)
    notes = read_notes(folder / NOTES_FILE)
    parts = table_parts(notes)
    for name in (*parts, *(f"{name}.parquet" for name in also)):
        _require_file(folder, name)
    rows = pa.concat_tables(
        [_read_scores(folder / name, notes, held) for name, held in parts.items()]
    )
    for name in also:
        path = folder / f"{name}.parquet"
        extra = _read_vectors(path, TABLES[name], notes["num_rows"])
        for column in TABLES[name]:
            rows = rows.append_column(column, extra[column])
    return ScoreTable(rows, notes, source or str(folder), shared=source is not None)


def _require_file(folder: Path, name: str) -> None:
    if not (folder / name).is_file():
        raise ValueError(
            f"there is no file {folder / name}; scores are saved as {TABLE_FILE} (or in parts) and "
            f"{NOTES_FILE}, and codes and features as files of their own, by save_scores"
        )


def _read_scores(path: Path, notes: dict[str, Any], held: range) -> pa.Table:
    """Returns the table of a file that holds these rows."""
    scores = [PREFIX + name for name in notes["scores"]]
    hashed = [ROW_HASH] if notes["content"] else []
    kinds = (
        dict.fromkeys(notes["labels"], _require_classes)
        | dict.fromkeys(hashed, _require_text)
        | dict.fromkeys(scores, _require_float)
    )
    table = _read(path, kinds, held, MOST_BYTES + len(held) * ROW_BYTES)
    for name in scores:
        _require_finite(name, table[name], path)
    for name in hashed:
        _require_hashes(table[name], path)
    for name in notes["labels"]:
        _require_short(name, table[name], path)
    return table


def _read_vectors(path: Path, names: Collection[str], num_rows: int) -> pa.Table:
    most = min(num_rows * VECTOR_BYTES, path.stat().st_size * MOST_PACKED)
    kinds = dict.fromkeys(names, _require_lists)
    table = _read(path, kinds, range(num_rows), MOST_BYTES + most)
    for name in names:
        _require_vectors(name, table[name], path)
    return table


def _read(path: Path, kinds: Mapping[str, Check], held: range, most_bytes: int) -> pa.Table:
    """Returns a Parquet file with these columns and rows, whose shape is checked first."""

    def require(file: pq.ParquetFile) -> None:
        _require_shape(file, [INDEX, *kinds], len(held), path)
        _require_claimed(file, most_bytes, path)
        for name, check in kinds.items():
            check(name, file.schema_arrow.field(name).type, path)
        if not pa.types.is_integer(file.schema_arrow.field(INDEX).type):
            raise _disordered(path, held)

    table = read_pieces(path, require, most_bytes, PIECE)
    if not np.array_equal(table[INDEX].to_numpy(), np.arange(held.start, held.stop)):
        raise _disordered(path, held)
    return table


def _disordered(path: Path, held: range) -> ValueError:
    return ValueError(
        f"column '{INDEX}' of {path} must count from {held.start} to {held.stop - 1}; "
        "its rows were reordered, dropped or repeated. Save or download it again"
    )


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
    if num_rows > ROWS_PER_BYTE * path.stat().st_size:
        raise ValueError(
            f"{path} claims {num_rows:,} rows in {path.stat().st_size:,} bytes, which is not "
            "possible; it is damaged or made to exhaust memory"
        )


def _require_claimed(file: pq.ParquetFile, most_bytes: int, path: Path) -> None:
    groups = range(file.metadata.num_row_groups)
    claimed = sum(file.metadata.row_group(group).total_byte_size for group in groups)
    require_within(claimed, most_bytes, path)


def _require_short(name: str, column: pa.ChunkedArray, path: Path) -> None:
    if pa.types.is_string(column.type):
        longest = pc.max(pc.utf8_length(column)).as_py() or 0
        if longest > LONGEST_LABEL:
            raise ValueError(f"column '{name}' of {path} holds a text of {longest:,} characters")


def _require_float(name: str, kind: pa.DataType, path: Path) -> None:
    if kind != pa.float32():
        raise _not_finite(name, path)


def _require_finite(name: str, column: pa.ChunkedArray, path: Path) -> None:
    if column.null_count or not _finite(column):
        raise _not_finite(name, path)


def _not_finite(name: str, path: Path) -> ValueError:
    return ValueError(
        f"column '{name}' of {path} must hold finite float32 numbers; "
        "compute the scores again with add_scores"
    )


def _require_text(name: str, kind: pa.DataType, path: Path) -> None:
    if kind != pa.string():
        raise _no_hashes(path)


def _require_hashes(column: pa.ChunkedArray, path: Path) -> None:
    digits = f"^[0-9a-f]{{{LENGTH}}}$"
    if not pc.all(pc.match_substring_regex(column, digits), skip_nulls=False).as_py():
        raise _no_hashes(path)


def _no_hashes(path: Path) -> ValueError:
    return ValueError(
        f"column '{ROW_HASH}' of {path} must hold {LENGTH} hexadecimal digits in every row; "
        "save or download it again"
    )


def _require_classes(name: str, kind: pa.DataType, path: Path) -> None:
    if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind)):
        raise ValueError(
            f"column '{name}' of {path} must hold the number or the name of a class, got {kind}"
        )


def _require_lists(name: str, kind: pa.DataType, path: Path) -> None:
    lists = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)
    if not lists or not (
        pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)
    ):
        raise _uneven(name, path)


def _require_vectors(name: str, column: pa.ChunkedArray, path: Path) -> None:
    """The rows must hold equally many finite numbers."""
    flat = pc.list_flatten(column)
    lengths = pc.unique(pc.list_value_length(column))
    if len(lengths) != 1 or flat.null_count or not _finite(flat):
        raise _uneven(name, path)


def _uneven(name: str, path: Path) -> ValueError:
    return ValueError(
        f"column '{name}' of {path} must hold equally many finite numbers in every row"
    )


def _finite(column: pa.ChunkedArray) -> bool:
    return all(np.isfinite(chunk.to_numpy(zero_copy_only=False)).all() for chunk in column.chunks)
