"""Reads a run folder: the required summary and selections, and whatever else is there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Float, Int

from hf_dynsel.report.summary import Summary, read_summary

SUMMARY, SELECTIONS = "summary.json", "selections.parquet"
SCORES, SCORES_META = "scores/scores.parquet", "scores/scores.json"
TABLES = "scores*.parquet"  # one, or a part from each process that scored
HISTORY, RECIPE = "log_history.json", "recipe.yaml"
PREFIX = "score_"


@dataclass(frozen=True)
class RunFolder:
    """The content of a run folder; the selections stay on disk and are streamed.

    Args:
        path: the folder.
        summary: the run's numbers.
        scores: one column per score, by name; empty without a score file.
        label: name of the class column.
        labels: class of each sample, numbered from zero in the order of `classes`, or None.
        classes: values in the class column; empty without one.
        score_notes: where the scores came from; empty without the file.
        history: the trainer's log entries; empty without the file.
        recipe: text of the recipe; empty without the file.
    """

    path: Path
    summary: Summary
    scores: Mapping[str, Float[np.ndarray, " n"]]
    label: str
    labels: Int[np.ndarray, " n"] | None
    classes: tuple[int | str, ...]
    score_notes: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...]
    recipe: str

    @property
    def selections(self) -> Path:
        """The file with the samples of each epoch."""
        return self.path / SELECTIONS


def read_run(folder: Path, *, selections: bool = True) -> RunFolder:
    """Returns the checked content of a run folder.

    Args:
        folder: that a finished training run wrote.
        selections: whether the samples of each epoch must be there.

    Raises:
        FileNotFoundError: if a required file is missing.
        ValueError: if a file does not fit the others.
    """
    needed = (SUMMARY, SELECTIONS) if selections else (SUMMARY,)
    if missing := [name for name in needed if not (folder / name).is_file()]:
        raise FileNotFoundError(
            f"{folder} has no {' and no '.join(missing)}: this needs {' and '.join(needed)}; "
            "give the folder that a finished training run wrote"
        )
    summary = read_summary(folder / SUMMARY)
    notes = _read_json(folder / SCORES_META, {})
    label = next(iter(notes.get("labels", [])), "label")
    return RunFolder(
        path=folder,
        summary=summary,
        label=label,
        **_read_scores((folder / SCORES).parent, summary.size, label),
        score_notes=notes,
        history=tuple(_read_json(folder / HISTORY, [])),
        recipe=_read_text(folder / RECIPE),
    )


def _read_scores(folder: Path, size: int, label: str) -> dict[str, Any]:
    """Returns the fields of the run that the score table holds, in the order of the samples."""
    if not (paths := sorted(folder.glob(TABLES))):
        return {"scores": {}, "labels": None, "classes": ()}
    table = pq.read_table(paths)
    index = table["index"].to_numpy()
    if not np.array_equal(np.sort(index), np.arange(size)):
        raise ValueError(
            f"{folder} scores {len(index)} samples, but the run had {size} (samples_full / epochs "
            f"in {SUMMARY}): each index from 0 to {size - 1} must be there once"
        )
    order = np.argsort(index)
    names = [name for name in table.column_names if name.startswith(PREFIX)]
    scores = {name.removeprefix(PREFIX): table[name].to_numpy()[order] for name in names}
    if label not in table.column_names:
        return {"scores": scores, "labels": None, "classes": ()}
    classes, labels = np.unique(table[label].to_numpy()[order], return_inverse=True)
    return {"scores": scores, "labels": labels, "classes": tuple(classes.tolist())}


def _read_json(path: Path, default: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else default


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
