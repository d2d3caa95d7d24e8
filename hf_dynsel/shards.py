"""Columns of vectors in files, each written whole, known by its hash, read by a memory map."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
from datasets import Dataset, Features, List, Value, concatenate_datasets
from jaxtyping import Shaped

logger = logging.getLogger(__name__)
Vectors = Mapping[str, Shaped[np.ndarray, "b d"]]
LAYOUT = "layout.json"


@dataclass(frozen=True)
class Shards:
    """What one model made of one dataset, cut into files of consecutive rows.

    A file is named after its place and its content, `00003.<hash>.arrow`: one that was cut
    off or damaged is recognised, and two writers of one shard do no harm.

    Args:
        folder: holds the files of this dataset and model only.
        rows: number of rows of the dataset.
        shard_size: rows per file; the last file may have fewer.
    """

    folder: Path
    rows: int
    shard_size: int

    @classmethod
    def find(cls, folder: Path) -> "Shards | None":
        """Returns the shards that `create` laid out in a folder; None if it never did."""
        if not (folder / LAYOUT).is_file():
            return None
        layout = json.loads((folder / LAYOUT).read_text())
        return cls(folder, layout["rows"], layout["shard_size"])

    @classmethod
    def create(cls, folder: Path, rows: int, shard_size: int, note: dict[str, Any]) -> None:
        """Lays out a folder, unless it is already: the first shard size stays.

        Args:
            note: what the columns are, for people who look into the folder.
        """
        if cls.find(folder) is None:
            folder.mkdir(parents=True, exist_ok=True)
            layout = {"rows": rows, "shard_size": shard_size, **note}
            unfinished = folder / f"{uuid4().hex}.tmp"
            unfinished.write_text(json.dumps(layout, indent=2))
            unfinished.replace(folder / LAYOUT)

    def __len__(self) -> int:
        return -(-self.rows // self.shard_size)

    def batches(self, shard: int, batch_size: int) -> list[range]:
        """Returns the rows of one shard in batches; the same ones in every run."""
        stop = min((shard + 1) * self.shard_size, self.rows)
        starts = range(shard * self.shard_size, stop, batch_size)
        return [range(start, min(start + batch_size, stop)) for start in starts]

    def missing(self) -> list[int]:
        """Returns the shards that have no intact file. Reads every file once."""
        return [shard for shard in range(len(self)) if not self._intact(shard)]

    @contextmanager
    def write(
        self, shard: int, kinds: Mapping[str, str], dim: int
    ) -> Iterator[Callable[[Vectors], None]]:
        """Yields a function that appends rows to a shard, which appears when the block ends well.

        Args:
            kinds: the type of the numbers in each column, by its name.
            dim: the length of every vector.
        """
        columns = {name: List(Value(kind), length=dim) for name, kind in kinds.items()}
        schema = Features(columns).arrow_schema
        unfinished = self.folder / f"{uuid4().hex}.tmp"
        try:
            with pa.OSFile(str(unfinished), "wb") as sink, pa.ipc.new_stream(sink, schema) as out:

                def append(rows: Vectors) -> None:
                    flat = [pa.array(rows[name].ravel()) for name in kinds]
                    arrays = [pa.FixedSizeListArray.from_arrays(each, dim) for each in flat]
                    out.write_batch(pa.record_batch(arrays, schema=schema))

                yield append
            finished = self.folder / f"{shard:05d}.{_hash(unfinished)}.arrow"
            for damaged in self._files(shard):
                damaged.unlink()
            unfinished.replace(finished)
        finally:
            unfinished.unlink(missing_ok=True)

    def open(self) -> Dataset:
        """Returns all columns in the order of the rows, memory-mapped.

        Raises:
            RuntimeError: if a shard is missing.
        """
        files = [next(iter(self._files(shard)), None) for shard in range(len(self))]
        if None in files:
            raise RuntimeError(
                f"shard {files.index(None)} of {len(files)} is not in {self.folder}; cache_dir "
                "must be one folder that all processes share"
            )
        return concatenate_datasets([Dataset.from_file(str(file)) for file in files])

    def _files(self, shard: int) -> list[Path]:
        return sorted(self.folder.glob(f"{shard:05d}.*.arrow"))

    def _intact(self, shard: int) -> bool:
        files = self._files(shard)
        damaged = [file for file in files if file.name.split(".")[1] != _hash(file)]
        for file in damaged:
            logger.warning("%s is damaged; its rows are encoded again", file)
        return bool(files) and not damaged


def _hash(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:32]


@dataclass(frozen=True)
class Dealt:
    """Shards, and which of them this process has to write.

    Args:
        shards: all of them.
        own: the places of those that are missing and fall to this process.
        complete: whether none was missing.
    """

    shards: Shards
    own: list[int]
    complete: bool


def deal(folder: Path, rows: int, shard_size: int, note: dict[str, Any], processes: Any) -> Dealt:
    """Returns a folder's shards, laid out by the main process, the missing ones dealt to all.

    Args:
        processes: an `Accelerator` or a `PartialState`.
    """
    if processes.is_main_process:
        Shards.create(folder, rows, shard_size, note)
    processes.wait_for_everyone()
    shards = Shards.find(folder)
    if shards is None:
        raise ValueError(
            f"{folder}, which the main process made, is not there for process "
            f"{processes.process_index}; all processes must share the folder it is in"
        )
    missing = shards.missing()
    processes.wait_for_everyone()  # all look before one writes, and so deal the same shards
    own = missing[processes.process_index :: processes.num_processes]
    return Dealt(shards, own, not missing)
