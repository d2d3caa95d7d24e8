"""The first pass over a stream: features and codes of each chunk, of which the units are kept."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from accelerate import Accelerator
from datasets import Dataset, Features, IterableDataset
from tqdm.auto import tqdm

from hf_dynsel.feature_rows import feature_rows
from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.encode import encode_rows
from hf_dynsel.sae import SparseAutoencoder
from hf_dynsel.sae.encode import encoded, require_dimension
from hf_dynsel.scores.columns import class_values
from hf_dynsel.streaming.marks import marks_of
from hf_dynsel.streaming.shards import LABEL, MARK, UNITS, UnitShards, unit_lists
from hf_dynsel.streaming.source import chunks

SAE_BATCH = 4096  # rows, as of add_codes: sums of other batches may differ in their last bit


@dataclass(frozen=True)
class Encoder:
    """What turns rows into active units.

    Args:
        backbone: prepared, frozen and on the device.
        sae: on the device.
        label: the class column; None for unlabelled data.
        columns: that are marked.
        accelerator: says which device.
        batch_size: rows per forward pass of the backbone.
        num_workers: processes that decode rows.
    """

    backbone: Backbone
    sae: SparseAutoencoder
    label: str | None
    columns: list[str]
    accelerator: Accelerator
    batch_size: int
    num_workers: int

    def table(self, chunk: Dataset, first: int) -> pa.Table:
        """Returns the active units, the labels and the marks of a chunk.

        Args:
            chunk: of rows.
            first: the number of its first row in its part, to name rows that are at fault.
        """
        columns = {UNITS: self._units(chunk, first), MARK: pa.array(marks_of(chunk, self.columns))}
        if self.label is not None:
            columns[LABEL] = pa.array(class_values(chunk, self.label, first))
        return pa.table(columns)

    def _units(self, chunk: Dataset, first: int) -> pa.Array:
        view, device = self.backbone.view(chunk), self.accelerator.device
        size, workers = self.batch_size, self.num_workers
        found = encode_rows(view, self.backbone, device, size, workers, first)
        require_dimension(self.sae, found.shape[1])
        codes = [codes for _, codes in encoded(self.sae, feature_rows(found), SAE_BATCH)]
        indices = np.concatenate([one.indices.cpu().numpy() for one in codes])
        active = np.concatenate([(one.values > 0).cpu().numpy() for one in codes])
        return unit_lists(indices, active)


def encode_part(
    part: IterableDataset,
    number: int,
    features: Features,
    shards: UnitShards,
    encoder: Encoder,
    shard_size: int,
) -> None:
    """Writes the shards of a part that are not there yet; the rows of others are skipped."""
    done = shards.count(number)
    rows = done * shard_size
    with tqdm(desc=f"stream, part {number}", initial=rows, unit="row") as bar:
        for shard, chunk in enumerate(chunks(part.skip(rows), features, shard_size), done):
            shards.write(number, shard, encoder.table(chunk, rows))
            rows += len(chunk)
            bar.update(len(chunk))
    shards.finish(number, rows)
