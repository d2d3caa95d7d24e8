"""Adds what was collected to a dataset, each column with a note of how it came."""

import numpy as np
import pyarrow as pa
from datasets import Dataset

from hf_dynsel.collect.runs import Collectable, Runs, require_classes
from hf_dynsel.provenance import fingerprint, library_version, record, recorded
from hf_dynsel.scores.add import NOTE, PREFIX
from hf_dynsel.scores.columns import put_column, read_classes
from hf_dynsel.scores.normalize import normalized

PROXY = "proxy"
VECTORS = {"features": "proxy_features", "error": "proxy_error"}  # column by signal


def require_rows(dataset: Dataset, runs: Runs, label: str | None, same_rows: bool) -> None:
    """Raises ValueError, naming both values, unless a dataset has the rows that were trained on.

    Args:
        dataset: to get the columns.
        runs: what was trained on.
        label: its class column, if it has one.
        same_rows: whether its content may be another.
    """
    labels = runs.labels
    here_labels = labels[: len(dataset)] if label is None else read_classes(dataset, label)
    require_classes(labels, here_labels)
    noted, here = runs.content.fingerprint, fingerprint(dataset)
    if noted not in (None, here) and not same_rows:
        raise ValueError(
            f"scores were collected on a dataset with the fingerprint {noted}, and this one has "
            f"{here}; if its rows are the same in the same order in another form, such as texts "
            "that were tokenized for training, pass same_rows=True"
        )


def add_columns(
    dataset: Dataset, scores: list[Collectable], runs: Runs, label: str | None
) -> Dataset:
    """Returns the dataset with a column for each score, and for each vector that was seen.

    Args:
        dataset: of the rows that were trained on.
        scores: whose columns are added or replaced.
        runs: what was collected.
        label: its class column, if it has one.
    """
    origin = {
        "dataset_fingerprint": fingerprint(dataset),
        "num_rows": len(dataset),
        "label": label,
        "library_version": library_version(),
        "runs": len(runs.facts),
        "training": runs.facts,
    }
    entries = dict(recorded(dataset).get(NOTE, {}))
    for score in scores:
        values = normalized(runs.mean(score), score.normalize, runs.labels).astype(np.float32)
        dataset = put_column(dataset, PREFIX + score.name, pa.array(values))
        entries[score.name] = {"class": type(score).__name__, "config": score.config(), **origin}
    return record(dataset, NOTE, entries) if scores else dataset


def add_vectors(dataset: Dataset, runs: Runs) -> Dataset:
    """Returns the dataset with the features and errors of the last run's model."""
    for signal, column in VECTORS.items():
        values = np.ascontiguousarray(runs.seen[signal], np.float32)
        rows = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
        dataset = put_column(dataset, column, rows)
    note = {
        "dataset_fingerprint": fingerprint(dataset),
        "num_rows": len(dataset),
        "library_version": library_version(),
        "training": runs.facts[-1],
    }
    return record(dataset, PROXY, note)
