"""The passes over what was kept of a stream: units are counted, scores measured and written."""

from collections.abc import Iterator, Sequence
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hf_dynsel.scores.code_score import CodeScore
from hf_dynsel.scores.table import INDEX, PREFIX
from hf_dynsel.streaming.layout import SCORES, Finished
from hf_dynsel.streaming.shards import LABEL, MARK, UnitShards
from hf_dynsel.streaming.unit_statistics import Scorer, UnitStatistics


def write_scores(
    finished: Finished, shards: UnitShards, scores: Sequence[CodeScore], num_units: int
) -> None:
    """Writes `scores.parquet`, a row group per shard, and then the notes that say it is whole.

    Args:
        finished: the notes.
        shards: of all parts.
        scores: whose settings do not depend on the autoencoder any more.
        num_units: of the autoencoder.
    """
    parts = len(finished.parts)
    statistics = UnitStatistics(num_units)
    for table in shards.read(parts):
        statistics.add(table)
    scorers = [Scorer(score, statistics.weights(score)) for score in scores]
    for table in shards.read(parts):
        for scorer in scorers:
            scorer.widen(table)
    unfinished = finished.folder / f"{uuid4().hex}.tmp"
    groups = _scored(shards.read(parts), scorers)
    first = next(groups)
    options = {"compression": "zstd", "write_page_checksum": True}
    with pq.ParquetWriter(unfinished, first.schema, **options) as writer:
        writer.write_table(first)
        for group in groups:
            writer.write_table(group)
    unfinished.replace(finished.folder / SCORES)
    finished.write()


def _scored(tables: Iterator[pa.Table], scorers: Sequence[Scorer]) -> Iterator[pa.Table]:
    """Yields row number, label, scores and mark of the rows of each shard."""
    row = 0
    for table in tables:
        columns = {INDEX: pa.array(np.arange(row, row + len(table)))}
        if LABEL in table.column_names:
            columns[LABEL] = table[LABEL]
        for scorer in scorers:
            columns[PREFIX + scorer.score.name] = pa.array(scorer.values(table))
        yield pa.table(columns | {MARK: table[MARK]})
        row += len(table)
