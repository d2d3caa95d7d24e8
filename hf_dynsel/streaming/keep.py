"""A stream of the rows of another one whose scores are among the highest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from datasets import Features, IterableDataset

from hf_dynsel.scores.table import PREFIX
from hf_dynsel.streaming.layout import SCORES, Finished
from hf_dynsel.streaming.marks import EVERY, first_mark
from hf_dynsel.streaming.shards import MARK
from hf_dynsel.streaming.source import batches, parts_of
from hf_dynsel.streaming.threshold import Threshold, threshold

AGAIN = "score the stream again, or read the one that was scored"


def keep_stream(
    stream: IterableDataset, folder: str | Path, keep: float, score: str
) -> IterableDataset:
    """Returns a stream of just the rows with the highest scores, in their order, as they are read.

    Rows are joined with their scores by position, and the hash of every 256th row shows that it
    is the row that was scored; so does the number of rows of a part at its end. Shuffle and map
    what is returned, not what is given. Workers and processes share the parts that the stream was
    scored in, such as its files; positions do not depend on who reads what.

    Args:
        stream: that was scored, in the same order; it may have more columns by now.
        folder: that `score_stream` returned.
        keep: fraction of the rows.
        score: name of the score.

    Raises:
        TypeError: if it is no stream.
        ValueError: if the scores are of other columns or parts, or as `threshold` does; while the
            rows are read, if one is not the one that was scored.
    """
    parts, finished = parts_of(stream), Finished.read(folder)
    if missing := [name for name in finished.columns if name not in stream.features]:
        raise ValueError(
            f"the stream has no column '{missing[0]}' (it has: {', '.join(stream.features)}), "
            f"which it had when it was scored in {folder}; rename or remove columns afterwards"
        )
    if len(parts) != len(finished.parts):
        raise ValueError(
            f"the stream has {len(parts)} parts, and was scored in {folder} with "
            f"{len(finished.parts)}; call map, filter and shuffle on what keep_stream returns"
        )
    bound = threshold(folder, keep, score)
    source = {"stream": stream, "folder": str(folder), "score": score, "bound": bound}
    numbers = list(range(len(parts)))  # a list: loaders deal its items to workers and processes
    return IterableDataset.from_generator(
        _kept, features=stream.features, gen_kwargs={"parts": numbers, **source}
    )


def _kept(
    parts: list[int], stream: IterableDataset, folder: str, score: str, bound: Threshold
) -> Iterator[dict[str, Any]]:
    finished, sources = Finished.read(folder), parts_of(stream)
    for part in parts:
        row, end = finished.first_row(part), finished.first_row(part + 1)
        scored = _scored(finished, part, score)
        for rows in batches(sources[part], EVERY):
            size = len(next(iter(rows.values())))
            values, mark = next(scored, (np.empty(0, np.float32), None))
            if size > len(values):
                raise _drifted(row + len(values), folder, "no more rows of this part were scored")
            _require_row(rows, stream.features, finished.columns, mark, row, folder)
            for place in np.flatnonzero(bound.keeps(values[:size], row)):
                yield {name: column[place] for name, column in rows.items()}
            row += size
        if row != end:
            raise _drifted(row, folder, f"the part ends here, and should at row {end:,}")


def _scored(finished: Finished, part: int, score: str) -> Iterator[tuple[Any, str]]:
    """Yields the scores of 256 rows of a part after the other, and the mark of the first."""
    with pq.ParquetFile(finished.folder / SCORES, page_checksum_verification=True) as file:
        for group in finished.row_groups(part):
            table = file.read_row_group(group, columns=[PREFIX + score, MARK])
            values, marks = table[0].to_numpy(), table[1].to_pylist()
            for start in range(0, len(table), EVERY):
                yield values[start : start + EVERY], marks[start]


def _require_row(
    rows: dict[str, list[Any]],
    features: Features,
    columns: list[str],
    mark: str | None,
    row: int,
    folder: str,
) -> None:
    if first_mark(rows, features, columns) != mark:
        raise _drifted(row, folder, "it holds something else")


def _drifted(row: int, folder: str, how: str) -> ValueError:
    return ValueError(
        f"row {row:,} of the stream is not the one that {folder} has the score of: {how}; {AGAIN}"
    )
