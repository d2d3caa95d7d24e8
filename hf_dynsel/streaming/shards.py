"""The active units of the rows of a stream, in small files that are written whole."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Int

from hf_dynsel.json_files import read_object
from hf_dynsel.scores.active import ActiveUnits

UNITS, LABEL, MARK = "units", "label", "mark"


@dataclass(frozen=True)
class UnitShards:
    """The files of all parts: `<part>-<shard>.parquet`, and `<part>.json` where a part is whole.

    A row takes four bytes for each active unit and four more, and what its label takes, before
    compression.

    Args:
        folder: that holds them alone.
    """

    folder: Path

    def finished(self, part: int) -> bool:
        """Returns whether a part is whole."""
        return self._note(part).is_file()

    def rows(self, part: int) -> int:
        """Returns the rows of a part that is whole."""
        return int(read_object(self._note(part))["rows"])

    def count(self, part: int) -> int:
        """Returns how many shards of a part there are, from the first on."""
        number = 0
        while self._file(part, number).is_file():
            number += 1
        return number

    def write(self, part: int, shard: int, table: pa.Table) -> None:
        """Writes a shard, which is there as a whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f"{uuid4().hex}.tmp"
        pq.write_table(table, unfinished, compression="zstd", write_page_checksum=True)
        unfinished.replace(self._file(part, shard))

    def finish(self, part: int, rows: int) -> None:
        """Notes that a part is whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_object(self._note(part), {"rows": rows})

    def read(self, parts: int) -> Iterator[pa.Table]:
        """Yields the shards of so many parts, in order.

        Raises:
            ValueError: if a file is damaged.
        """
        for part in range(parts):
            for shard in range(self.count(part)):
                file = self._file(part, shard)
                try:
                    yield pq.read_table(file, page_checksum_verification=True)
                except (pa.ArrowException, OSError) as broken:
                    raise ValueError(
                        f"{file} is damaged ({broken}); delete it and {part:05d}.json beside it, "
                        "and score the stream again: only what is missing is encoded"
                    ) from broken

    def _note(self, part: int) -> Path:
        return self.folder / f"{part:05d}.json"

    def _file(self, part: int, shard: int) -> Path:
        return self.folder / f"{part:05d}-{shard:06d}.parquet"


def unit_lists(indices: Int[np.ndarray, "n k"], active: Bool[np.ndarray, "n k"]) -> pa.Array:
    """Returns the active units of each row, in the order of their slots."""
    ends = np.concatenate([[0], np.cumsum(active.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(indices[active].astype(np.int32)))


def active_units(table: pa.Table) -> ActiveUnits:
    """Returns the active units of the rows of a shard."""
    column = table[UNITS].combine_chunks()
    rows = np.repeat(np.arange(len(column)), column.value_lengths().to_numpy())
    return ActiveUnits(len(column), rows, column.flatten().to_numpy())


def write_object(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file, which is there as a whole or not at all."""
    unfinished = path.with_name(f"{uuid4().hex}.tmp")
    unfinished.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    unfinished.replace(path)
