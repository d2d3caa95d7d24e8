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

ALIKE = 1e-3  # of a score: more than what the order of arithmetic changes
Repeated = Literal["error", "mean"]


def find_rows(
    dataset: "Dataset", scores: ScoreTable, repeated: Repeated
) -> tuple[ScoreTable, Int[np.ndarray, " n"]]:
    """Returns the scores, once for rows that are the same, and the place of each row or -1.

    Raises:
        ValueError: if no row is among those scored, if a row was scored as another class, or if
            rows that are the same have different scores and `repeated` is "error".
    """
    here, there = _row_columns(dataset, scores), _scored_columns(dataset, scores)
    keys = _keys(there)
    distinct, scores = _distinct(scores, keys, repeated)
    found = _places(_keys(here), distinct)
    absent = np.flatnonzero(found < 0)
    _require_classes(here, there, absent)
    if len(absent) == len(found):
        raise ValueError(
            f"none of the {len(found):,} rows is among the {scores.notes['num_rows']:,} that "
            f"{scores.source} has scores of: they are of other data, or their columns "
            f"{scores.notes['content']} hold something else by now, such as tokens or resized "
            "images. Attach scores before the data are changed"
        )
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
    columns = {ROW_HASH: row_hashes(dataset, content).combine_chunks()}
    for name in labels:
        names = getattr(dataset.features[name], "names", None)
        use = names if _by_name(dataset, scores, name) else None
        columns[name] = _words(read_arrow(dataset, [name])[name].combine_chunks(), use)
    return pa.table(columns)


def _scored_columns(dataset: "Dataset", scores: ScoreTable) -> pa.Table:
    """Returns the same of each row of the table."""
    columns = {ROW_HASH: scores.rows[ROW_HASH].combine_chunks()}
    for name in scores.labels:
        use = scores.notes["classes"][name] if _by_name(dataset, scores, name) else None
        columns[name] = _words(scores.rows[name].combine_chunks(), use)
    return pa.table(columns)


def _by_name(dataset: "Dataset", scores: ScoreTable, label: str) -> bool:
    """Returns whether classes have names on both sides: their numbers may differ then."""
    feature = dataset.features[label]
    named = hasattr(feature, "names") or getattr(feature, "dtype", None) == "string"
    return named and label in scores.notes["classes"]


def _words(classes: pa.Array, names: list[str] | None) -> pa.Array:
    """Returns classes as texts: their names, or their values."""
    if names is None or not pa.types.is_integer(classes.type):
        return pc.fill_null(classes.cast(pa.string()), "none")
    numbers = pc.fill_null(classes, -1).to_numpy()
    if len(numbers) and not -1 <= numbers.min() <= numbers.max() < len(names):
        raise ValueError(
            f"classes from {numbers.min()} to {numbers.max()} have no names in {names}"
        )
    return pa.array([*names, "none"], pa.string()).take(pa.array(numbers % (len(names) + 1)))


def _keys(rows: pa.Table) -> pa.Array:
    return pc.binary_join_element_wise(
        *(rows[n].combine_chunks() for n in rows.column_names), "\x1f"
    )


def _places(keys: pa.Array, among: pa.Array) -> Int[np.ndarray, " n"]:
    """Returns where each key is among others, or -1."""
    places = pc.fill_null(pc.index_in(keys, value_set=among), -1)
    return np.asarray(places.to_numpy()).astype(np.int64)


def _distinct(
    scores: ScoreTable, keys: pa.Array, repeated: Repeated
) -> tuple[pa.Array, ScoreTable]:
    """Returns the keys, each once, and the scores that belong to them."""
    distinct = pc.unique(keys)
    if len(distinct) == len(keys):
        return distinct, scores
    group = _places(keys, distinct)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    rows = scores.rows.take(pa.array(order[starts]))
    for name in [n for n in scores.columns if n.startswith(PREFIX)]:
        values = scores.rows[name].to_numpy()[order]
        largest = np.maximum.reduceat(np.abs(values), starts)
        alike = ALIKE * np.maximum(largest, np.median(np.abs(values)))
        apart = _spread(values, starts) > alike
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


def _require_classes(here: pa.Table, there: pa.Table, absent: Int[np.ndarray, " m"]) -> None:
    """Refuses rows that were scored as another class."""
    hashes = here[ROW_HASH].combine_chunks().take(pa.array(absent))
    alike = _places(hashes, there[ROW_HASH].combine_chunks())
    if len(other := np.flatnonzero(alike >= 0)):
        row, scored = int(absent[other[0]]), int(alike[other[0]])
        for name in here.column_names[1:]:
            old, new = there[name][scored].as_py(), here[name][row].as_py()
            require_same(f"'{name}' of row {row}", old, new)
