"""Puts the scores of a table on the rows of a dataset that they belong to."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int

from hf_dynsel.provenance import READ_WHOLE, fingerprint, record, recorded, require_same
from hf_dynsel.scores.add import NOTE
from hf_dynsel.scores.columns import put_column, read_arrow
from hf_dynsel.scores.find_rows import Repeated, find_rows
from hf_dynsel.scores.table import PREFIX, ScoreTable

if TYPE_CHECKING:
    from datasets import Dataset

OF_DATA = ("dataset_fingerprint", "num_rows")
Missing = Literal["error", "drop"] | float


def attach(
    dataset: "Dataset",
    scores: ScoreTable,
    *,
    missing: Missing = "error",
    repeated: Repeated = "error",
) -> "Dataset":
    """Returns the dataset with the columns of a table of scores, each row with its own.

    A row is found by a hash of what it holds and by its class, so the dataset may be shuffled,
    filtered, split, put together of parts or saved in another format. The notes on the scores
    come along, and say on which data they were computed.

    Args:
        dataset: of the data that the scores are of, or of a part.
        scores: what `load_scores` returned.
        missing: what becomes of rows without scores: an error, or they are dropped, or they get
            this number. A dataset of which no row has a score is refused in any case.
        repeated: what becomes of rows that are the same and have different scores: an error, or
            they get the mean.

    Raises:
        TypeError: if the dataset has splits, or is a stream.
        ValueError: if the scores are of other data, if a row has none, or if its class is another
            one than when its scores were computed.
    """
    _check(dataset, missing, repeated)
    if _same(dataset, scores):
        found = np.arange(len(dataset))
        _require_same_labels(dataset, scores)
    else:
        scores, found = find_rows(dataset, scores, repeated)
    dataset, found = _without_missing(dataset, scores, found, missing)
    rows = scores.rows.select(scores.columns).take(pa.array(np.maximum(found, 0)))
    for name in scores.columns:
        column = rows[name].combine_chunks()
        if name.startswith(PREFIX) and (found < 0).any():
            column = pc.if_else(pa.array(found < 0), pa.scalar(missing, pa.float32()), column)
        dataset = put_column(dataset, name, column)
    return _noted(dataset, scores)


def _check(dataset: Any, missing: Missing, repeated: Repeated) -> None:
    if not hasattr(dataset, "column_names") or isinstance(dataset.column_names, dict):
        raise TypeError("scores are attached to one split; choose one, such as dataset['train']")
    if not hasattr(dataset, "__len__"):
        raise TypeError("scores are attached to a datasets.Dataset; load it without streaming=True")
    if missing not in ("error", "drop") and type(missing) not in (int, float):
        raise ValueError(f"missing must be 'error', 'drop' or a number, got {missing!r}")
    if not (isinstance(missing, str) or abs(missing) <= float(np.finfo(np.float32).max)):
        raise ValueError(f"missing must be a finite float32 number, got {missing}")
    if repeated not in ("error", "mean"):
        raise ValueError(f"repeated must be 'error' or 'mean', got {repeated!r}")


def _same(dataset: "Dataset", scores: ScoreTable) -> bool:
    """Returns whether the rows are those of the table, in its order."""
    noted, rows = scores.notes["dataset_fingerprint"], scores.notes["num_rows"]
    if not scores.has_hashes:
        require_same("the number of rows", rows, len(dataset))
        require_same("the dataset fingerprint", noted, fingerprint(dataset))
    # Of more rows the fingerprint does not read all.
    sure = rows <= READ_WHOLE or not scores.has_hashes
    return bool(sure and len(dataset) == rows and fingerprint(dataset) == noted)


def _require_same_labels(dataset: "Dataset", scores: ScoreTable) -> None:
    for name in scores.labels:
        noted, here = scores.rows[name], read_arrow(dataset, [name])[name]
        if noted.type == here.type and noted.equals(here):
            continue
        require_same(f"the type of column '{name}'", str(noted.type), str(here.type))
        pairs = enumerate(zip(noted.to_pylist(), here.to_pylist(), strict=True))
        row, (old, new) = next((r, p) for r, p in pairs if p[0] != p[1])
        require_same(f"'{name}' of row {row}", old, new)


def _without_missing(
    dataset: "Dataset", scores: ScoreTable, found: Int[np.ndarray, " n"], missing: Missing
) -> tuple["Dataset", Int[np.ndarray, " m"]]:
    absent = np.flatnonzero(found < 0)
    if len(absent) == 0:
        return dataset, found
    vectors = [name for name in scores.columns if not name.startswith(PREFIX)]
    if missing == "error" or (missing != "drop" and vectors):
        raise ValueError(
            f"{len(absent):,} of the {len(found):,} rows have no score in {scores.source}, the "
            f"first is row {absent[0]}; pass missing='drop' to leave them out"
            + (f"; no number stands for {vectors[0]}" if vectors else ", or a number for them")
        )
    if missing == "drop":
        kept = np.flatnonzero(found >= 0)
        return dataset.select(kept), found[kept]
    return dataset, found


def _noted(dataset: "Dataset", scores: ScoreTable) -> "Dataset":
    """Returns the dataset with the notes on the scores, which name the data they came from."""
    noted = scores.notes["dataset_fingerprint"], scores.notes["num_rows"]
    here = fingerprint(dataset), len(dataset)
    attached: dict[str, Any] = {"from": scores.source} if scores.shared else {}
    if noted != here:
        attached |= dict(zip(OF_DATA, noted, strict=True))
    entries = {}
    for name, entry in scores.notes["scores"].items():
        known = attached | {k: v for k, v in (entry.get("attached") or {}).items() if k in OF_DATA}
        at = dict(zip(OF_DATA, here, strict=True)) if noted != here else {}
        entries[name] = {**entry, **at, **({"attached": known} if known else {})}
    source, own = scores.notes["source"], recorded(dataset).get("source", {})
    if source and (not own or source.get("redistribution") is False):
        dataset = record(dataset, "source", source)  # the hashes show that these are its rows
    for stage, note in scores.notes["columns"].items():
        if any(column.startswith(stage) for column in scores.columns):
            dataset = record(dataset, stage, note)
    return record(dataset, NOTE, recorded(dataset).get(NOTE, {}) | entries)
