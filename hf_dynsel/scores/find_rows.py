"""Finds the rows of a dataset in a table of scores, by what they hold and by their class."""

from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Int

from hf_dynsel.provenance import require_same
from hf_dynsel.scores.columns import read_arrow
from hf_dynsel.scores.row_hash import row_hashes
from hf_dynsel.scores.table import INDEX, PREFIX, ROW_HASH, ScoreTable

if TYPE_CHECKING:
    from datasets import Dataset

ALIKE = 1e-3  # of a score's range: more than what the order of arithmetic changes
Repeated = Literal["error", "mean"]


def find_rows(
    dataset: "Dataset", scores: ScoreTable, repeated: Repeated
) -> tuple[ScoreTable, Int[np.ndarray, " n"]]:
    """Returns the scores, once for rows that are the same, and the place of each row or -1.

    Raises:
        ValueError: if no row is among those scored, if a row was scored as another class, or if
            rows that are the same have different scores and `repeated` is "error".
    """
    here = _row_columns(dataset, scores)
    distinct, scores = _distinct(scores, repeated)
    keys = _keys(here, scores.labels)
    found = _places(keys, distinct)
    absent = np.flatnonzero(found < 0)
    if len(absent) == len(found):
        raise ValueError(
            f"none of the {len(found):,} rows is among the {scores.notes['num_rows']:,} that "
            f"{scores.source} has scores of: they are of other data, or their columns "
            f"{scores.notes['content']} hold something else by now, such as tokens or resized "
            "images. Attach scores before the data are changed"
        )
    _require_classes(here, scores, absent)
    return scores, found


def _row_columns(dataset: "Dataset", scores: ScoreTable) -> pa.Table:
    """Returns the hash and the classes of each row of the dataset."""
    content, labels = scores.notes["content"], scores.labels
    if absent := [name for name in (*content, *labels) if name not in dataset.column_names]:
        raise ValueError(
            f"the dataset has no column '{absent[0]}' (it has: {', '.join(dataset.column_names)}), "
            f"by which the scores of {scores.source} find their rows; bring it back, or rename "
            "yours with dataset.rename_column"
        )
    columns = {ROW_HASH: row_hashes(dataset, content)}
    columns |= {name: read_arrow(dataset, [name])[name] for name in labels}
    return pa.table(columns)


def _keys(rows: pa.Table, labels: list[str]) -> pa.ChunkedArray:
    parts = [rows[name].cast(pa.string()) for name in (ROW_HASH, *labels)]
    joined = [pc.fill_null(part, "\0") for part in parts]
    return pc.binary_join_element_wise(*joined, "\x1f")


def _places(keys: pa.ChunkedArray, among: pa.Array) -> Int[np.ndarray, " n"]:
    """Returns where each key is among others, or -1."""
    places = pc.fill_null(pc.index_in(keys, value_set=among), -1)
    return np.asarray(places.to_numpy()).astype(np.int64)


def _distinct(scores: ScoreTable, repeated: Repeated) -> tuple[pa.Array, ScoreTable]:
    """Returns the keys, each once, and the scores that belong to them."""
    keys = _keys(scores.rows, scores.labels).combine_chunks()
    distinct = pc.unique(keys)
    if len(distinct) == len(keys):
        return distinct, scores
    group = _places(pa.chunked_array([keys]), distinct)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    rows = scores.rows.take(pa.array(order[starts]))
    for name in [n for n in scores.columns if n.startswith(PREFIX)]:
        values = scores.rows[name].to_numpy()[order]
        apart = _spread(values, starts) > ALIKE * np.ptp(values)
        if apart.any() and repeated == "error":
            first = rows[INDEX][int(np.argmax(apart))]
            raise ValueError(
                f"{scores.source} has {apart.sum():,} samples that are there several times with "
                f"different '{name}', the first is its row {first}: which is whose cannot be told. "
                "Pass repeated='mean', or attach the scores to the data in their old order"
            )
        chosen = np.where(apart, _means(values, starts), values[starts]).astype(np.float32)
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(chosen))
    return distinct, ScoreTable(rows, scores.notes, scores.source, scores.shared)


def _spread(
    values: Float[np.ndarray, " n"], starts: Int[np.ndarray, " groups"]
) -> Float[np.ndarray, " groups"]:
    return np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)


def _means(
    values: Float[np.ndarray, " n"], starts: Int[np.ndarray, " groups"]
) -> Float[np.ndarray, " groups"]:
    counts = np.diff(starts, append=len(values))
    return np.add.reduceat(values.astype(np.float64), starts) / counts


def _require_classes(here: pa.Table, scores: ScoreTable, absent: Int[np.ndarray, " m"]) -> None:
    """Refuses rows that were scored as another class."""
    alike = _places(here[ROW_HASH].take(pa.array(absent)), scores.rows[ROW_HASH].combine_chunks())
    if len(other := np.flatnonzero(alike >= 0)):
        row, scored = int(absent[other[0]]), int(alike[other[0]])
        for name in scores.labels:
            old, new = scores.rows[name][scored].as_py(), here[name][row].as_py()
            require_same(f"'{name}' of row {row}", old, new)
