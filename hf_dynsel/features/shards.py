"""Feature files on disk, each written whole, known by its hash, and read through a memory map."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
from datasets import Dataset, Features, List, Value, concatenate_datasets
from jaxtyping import Float32

logger = logging.getLogger(__name__)
COLUMN = "features"
LAYOUT = "layout.json"


@dataclass(frozen=True)
class Shards:
    """The features of one dataset from one backbone, cut into files of consecutive rows.

    A file is named after its place and its content, `00003.<hash>.arrow`: one that was cut
    off or damaged is recognised, and two writers of one shard do no harm.

    Args:
        folder: holds the files of this dataset and backbone only.
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
            note: what the features are, for people who look into the folder.
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
    def write(self, shard: int, dim: int) -> Iterator[Callable[[Float32[np.ndarray, "b d"]], None]]:
        """Yields a function that appends rows to a shard, which appears when the block ends well.

        Args:
            dim: the length of a feature vector.
        """
        schema = Features({COLUMN: List(Value("float32"), length=dim)}).arrow_schema
        unfinished = self.folder / f"{uuid4().hex}.tmp"
        try:
            with pa.OSFile(str(unfinished), "wb") as sink, pa.ipc.new_stream(sink, schema) as out:

                def append(rows: Float32[np.ndarray, "b d"]) -> None:
                    column = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), dim)
                    out.write_batch(pa.record_batch([column], schema=schema))

                yield append
            finished = self.folder / f"{shard:05d}.{_hash(unfinished)}.arrow"
            for damaged in self._files(shard):
                damaged.unlink()
            unfinished.replace(finished)
        finally:
            unfinished.unlink(missing_ok=True)

    def open(self) -> Dataset:
        """Returns all features in the order of the rows, memory-mapped.

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
