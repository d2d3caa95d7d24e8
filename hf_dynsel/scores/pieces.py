"""Reads Parquet that anyone may have written, and no more of it than fits an allowance."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def read_pieces(
    path: Path, require: Callable[[pq.ParquetFile], None], most_bytes: int, rows: int
) -> pa.Table:
    """Returns a table, read piece by piece; what its footer says of sizes is not relied on.

    Args:
        path: the file.
        require: raises ValueError if the columns or the number of rows are not as they must be.
        most_bytes: that the table may take in memory.
        rows: of one piece, which is in memory before it is counted.

    Raises:
        ValueError: if the file is damaged, or the table would take more.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            require(file)
            num_rows = file.metadata.num_rows
            table = _read(file, path, most_bytes, rows)
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as broken:
        raise ValueError(
            f"{path} is damaged or not Parquet ({broken}); save or download it again"
        ) from broken
    if len(table) != num_rows:
        raise ValueError(
            f"{path} is damaged: it has {len(table):,} rows, not {num_rows:,}; download it again"
        )
    return table


def _read(file: pq.ParquetFile, path: Path, most_bytes: int, rows: int) -> pa.Table:
    pieces, unpacked = [], 0
    for piece in file.iter_batches(rows, use_threads=False):
        unpacked += piece.nbytes
        require_within(unpacked, most_bytes, path)
        pieces.append(piece)
    return pa.Table.from_batches(pieces, file.schema_arrow).combine_chunks()


def require_within(unpacked: int, most_bytes: int, path: Path) -> None:
    """Raises ValueError if a file unpacks to more bytes than are allowed."""
    if unpacked > most_bytes:
        raise ValueError(
            f"{path} unpacks to {unpacked:,} bytes or more, but {most_bytes:,} are allowed for its "
            "rows and size; it is damaged or made to exhaust memory"
        )
