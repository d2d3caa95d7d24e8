"""The means of scores over several trainings on the same data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from jaxtyping import Float, Int
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from hf_dynsel.collect.collecting import Collecting
from hf_dynsel.core import Pool
from hf_dynsel.provenance import fingerprint
from hf_dynsel.scores.base import Score
from hf_dynsel.scores.training_score import TrainingScore

Collectable = Score | TrainingScore


@dataclass(frozen=True)
class Content:
    """What the rows of a training set hold.

    Args:
        dataset: the training set; None if it is not known.
    """

    dataset: Any

    @cached_property
    def fingerprint(self) -> str | None:
        """A hash of it, which reads the data once; None where it cannot be read."""
        return fingerprint(self.dataset) if isinstance(self.dataset, Dataset) else None


def require_classes(collected: Int[np.ndarray, " n"], here: Int[np.ndarray, " m"]) -> None:
    """Raises ValueError, naming both values, unless rows have the classes of those trained on."""
    if len(collected) != len(here):
        raise ValueError(
            f"scores were collected on {len(collected)} rows, and the dataset has {len(here)}; "
            "they must be the same rows in the same order"
        )
    differs = np.flatnonzero(collected != here)
    if len(differs):
        row = differs[0]
        raise ValueError(
            f"row {row} was of class {collected[row]} when scores were collected, and is of class "
            f"{here[row]} here ({len(differs)} such rows); they must be the same rows in the same "
            "order"
        )


@dataclass
class Runs:
    """What some runs on the same rows have shown.

    Attributes:
        content: of the rows.
        labels: class of each row; empty before the first run.
        totals: sums over the runs, by score, before they are normalised.
        facts: how each run was trained.
        seen: signals of the model of the last run.
    """

    content: Content = field(default_factory=lambda: Content(None))
    labels: Int[np.ndarray, " n"] = field(default_factory=lambda: np.empty(0, np.int64))
    totals: dict[str, Float[np.ndarray, " n"]] = field(default_factory=dict)
    facts: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[str, Float[np.ndarray, "n d"]] = field(default_factory=dict)

    def admit(self, pool: Pool, content: Content) -> None:
        """Raises ValueError, naming both values, if a run to come is on other rows."""
        if not self.facts:
            return
        require_classes(self.labels, _labels(pool))
        noted, here = self.content.fingerprint, content.fingerprint
        if noted and here and noted != here:
            raise ValueError(
                f"scores were collected on a dataset with the fingerprint {noted}, and this one "
                f"has {here}; collect from it with a CollectScores of its own"
            )

    def add(self, run: Collecting, scores: Sequence[Collectable], content: Content) -> None:
        """Adds a run that has ended.

        Raises:
            ValueError: if the run showed too little of a sample.
        """
        found = {score.name: _values(score, run) for score in scores}
        for name, values in found.items():
            self.totals[name] = self.totals.get(name, 0.0) + values
        inner = run.inner
        fact = {"selector": type(inner).__name__, "seed": inner.seed, "epochs": run.epochs}
        self.facts.append(fact)
        self.content, self.labels, self.seen = content, _labels(run.pool), dict(run.seen)

    def save(self, file: Path, *, vectors: bool) -> None:
        """Writes the runs, with or without what was seen, so that `include` can add them."""
        arrays = {f"totals.{name}": values for name, values in self.totals.items()}
        seen = self.seen if vectors else {}
        arrays |= {f"seen.{name}": np.ascontiguousarray(v) for name, v in seen.items()}
        save_file({"labels": self.labels, **arrays}, file, {"facts": json.dumps(self.facts)})

    def include(self, file: Path) -> None:
        """Adds runs on the same rows that `save` wrote; the model seen last is then theirs.

        Raises:
            ValueError: if the rows have other classes.
        """
        arrays = load_file(file)
        labels = arrays.pop("labels")
        if self.facts:
            require_classes(self.labels, labels)
        with safe_open(file, "numpy") as opened:
            self.facts += json.loads(opened.metadata()["facts"])
        self.labels, self.seen = labels, {}
        for name, values in arrays.items():
            kind, _, own = name.partition(".")
            if kind == "totals":
                self.totals[own] = self.totals.get(own, 0.0) + values
            else:
                self.seen[own] = values

    def mean(self, score: Collectable) -> Float[np.ndarray, " n"]:
        """Returns a score's mean over the runs, before it is normalised."""
        return self.totals[score.name] / len(self.facts)


def _labels(pool: Pool) -> Int[np.ndarray, " n"]:
    assert pool.labels is not None, "a run without labels was let in"
    return pool.labels


def _values(score: Collectable, run: Collecting) -> Float[np.ndarray, " n"]:
    if isinstance(score, TrainingScore):
        values = score.finish(run.states[score.name])
    else:
        values = score.compute({"features": run.seen["features"]}, run.pool.labels)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ValueError(
            f"score '{score.name}' is NaN or infinite for {len(bad)} rows, the first is row "
            f"{bad[0]}: the training diverged, left them out, or ended before a look that the "
            "score takes; train on all rows, as FullData does, and to the end"
        )
    return values.astype(np.float64)
