"""Writes which samples each epoch trained on, one file per epoch, joined when the run ends."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Int

from hf_dynsel.core import Selection

FILE = "selections.parquet"
SCHEMA = pa.schema(
    [
        ("epoch", pa.int32()),
        ("index", pa.int64()),
        ("weight", pa.float32()),
        ("augment", pa.bool_()),
    ]
)


def share_by_epoch(file: Path, marks: Bool[np.ndarray, " n"]) -> list[float]:
    """Returns the share of marked samples among those of each epoch, read epoch by epoch.

    Args:
        file: what `SelectionLog.join` wrote.
        marks: one per sample of the pool.
    """
    every, marked = Counter[int](), Counter[int]()
    with pq.ParquetFile(file) as parquet:
        for number in range(parquet.num_row_groups):
            group = parquet.read_row_group(number, columns=["epoch", "index"])
            epochs, indices = group["epoch"].to_numpy(), group["index"].to_numpy()
            every.update(epochs.tolist())
            marked.update(epochs[marks[indices]].tolist())
    return [marked[epoch] / count for epoch, count in sorted(every.items())]


class SelectionLog:
    """The selections of a run in `folder/selections.parquet`, one row group per epoch.

    A part file is written when an epoch starts, so an interrupted run keeps its past and a
    resumed one overwrites only the epoch it repeats.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = folder / "selections"

    def write(
        self, epoch: int, selection: Selection, trained: Int[np.ndarray, " t"] | None = None
    ) -> None:
        """Notes the samples of one epoch, in the order the selector gave them.

        Args:
            epoch: which.
            selection: its samples.
            trained: those of them that were trained, once that is known; None for all.
        """
        count = len(selection.indices)
        weights = np.ones(count) if selection.weights is None else selection.weights
        augment = np.zeros(count, bool) if selection.augment is None else selection.augment
        kept = np.ones(count, bool) if trained is None else np.isin(selection.indices, trained)
        every = [np.full(count, epoch), selection.indices, weights, augment]
        columns = [column[kept] for column in every]
        arrays = [pa.array(c, type=f.type) for c, f in zip(columns, SCHEMA, strict=True)]
        self.parts.mkdir(parents=True, exist_ok=True)
        part = self._part(epoch)
        pq.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), part.with_suffix(".tmp"))
        part.with_suffix(".tmp").replace(part)

    def join(self, num_epochs: int) -> Path:
        """Joins the parts of the first `num_epochs` epochs into one file and removes them."""
        target = self.folder / FILE
        with pq.ParquetWriter(target.with_suffix(".tmp"), SCHEMA) as writer:
            for epoch in range(num_epochs):
                if self._part(epoch).exists():
                    table = pq.read_table(self._part(epoch), schema=SCHEMA)
                elif target.exists():  # a finished run, resumed from one of its checkpoints
                    table = pq.read_table(target, filters=[("epoch", "=", epoch)])
                else:
                    continue
                writer.write_table(table, row_group_size=max(table.num_rows, 1))
        target.with_suffix(".tmp").replace(target)
        shutil.rmtree(self.parts, ignore_errors=True)
        return target

    def _part(self, epoch: int) -> Path:
        return self.parts / f"epoch-{epoch:06d}.parquet"
