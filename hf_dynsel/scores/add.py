"""Adds score columns to a dataset, each with a note of what it was computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from hf_dynsel.provenance import fingerprint, library_version, record, recorded
from hf_dynsel.scores.base import Score
from hf_dynsel.scores.columns import find_label, put_column, read_classes, read_column

if TYPE_CHECKING:
    from datasets import Dataset

PREFIX = "score_"
NOTE = "scores"
ADDED_BY = {
    "features": "hf_dynsel.features.extract",
    "features_cosine": "hf_dynsel.features.add_cosine",
    "sae_indices": "hf_dynsel.sae.add_codes",
    "sae_values": "hf_dynsel.sae.add_codes",
}


def add_scores(
    dataset: "Dataset", scores: Sequence[Score], *, label: str | None = "label"
) -> "Dataset":
    """Returns the dataset with one float32 column `score_<name>` per score.

    A score that is already there is replaced. The provenance of each is noted: its class and
    settings, the notes on the features and codes, the dataset's fingerprint and number of rows,
    and the version of this library.

    Args:
        dataset: has the columns that the scores read.
        scores: what to compute.
        label: the class column, as the learner sees it. None means unlabelled data, and so does
            a column of real numbers, or a dataset without a column of the default name.

    Raises:
        ValueError: if a column is missing or does not fit, or a score is NaN or infinite.
    """
    made = Made.of(dataset, scores, label)
    for score in made.scores:
        columns = {name: read_column(dataset, name) for name in score.columns}
        values = score.values(columns, made.labels).astype(np.float32)
        dataset = put_column(dataset, PREFIX + score.name, pa.array(values))
    return record(dataset, NOTE, {**recorded(dataset).get(NOTE, {}), **made.entries})


@dataclass(frozen=True)
class Made:
    """Scores that fit a dataset, and what is noted of them.

    Args:
        scores: with the settings that depend on how their columns were made.
        labels: class of each row, or None.
        entries: the provenance of each score, by its name.
    """

    scores: Sequence[Score]
    labels: Int[np.ndarray, " n"] | None
    entries: Mapping[str, Any]

    @classmethod
    def of(cls, dataset: "Dataset", scores: Sequence[Score], label: str | None) -> "Made":
        """Returns the scores of a dataset, not computed yet; raises as `add_scores` does."""
        _check(dataset, scores)
        label = find_label(dataset, label)
        labels = None if label is None else read_classes(dataset, label)
        notes = recorded(dataset)
        origin = {
            "dataset_fingerprint": fingerprint(dataset),
            "num_rows": len(dataset),
            "label": label,
            "library_version": library_version(),
            **{stage: notes[stage] for stage in ("features", "sae", "adapters") if stage in notes},
        }
        scores = [score.resolve(notes) for score in scores]
        entries = {
            score.name: {"class": type(score).__name__, "config": score.config(), **origin}
            for score in scores
        }
        return cls(scores, labels, entries)


def _check(dataset: "Dataset", scores: Sequence[Score]) -> None:
    names = [score.name for score in scores]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the scores {twice} are given twice, but a dataset has one column each")
    if len(dataset) == 0:
        raise ValueError("the dataset has no rows to score")
    for score in scores:
        for column in score.columns:
            if column not in dataset.column_names:
                raise ValueError(
                    f"score '{score.name}' reads the column '{column}', which the dataset does "
                    f"not have (it has: {', '.join(dataset.column_names)}); add it with "
                    f"{ADDED_BY[column]}"
                )
