"""Follows the selections of a run through its epochs, holding one epoch in memory at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Float, Int
from scipy.stats import rankdata

from hf_dynsel import usage
from hf_dynsel.report.runfolder import RunFolder


@dataclass(frozen=True)
class Trace:
    """What became of each sample and each epoch; an epoch that is not in the file has no samples.

    Args:
        sizes: samples chosen, by epoch.
        counts: epochs each sample was used in.
        first: epoch each sample was first used in; the number of epochs if never.
        overlap: share of the samples that were also in the epoch before; NaN where unknown.
        coverage: share of the training set used at least once by the end of the epoch.
        mean_rank: for each score, mean rank of the chosen samples, from 0 (lowest in the
            training set) to 1 (highest); NaN for an epoch without samples.
        class_mix: share of each class among the chosen samples; None without labels.
    """

    sizes: Int[np.ndarray, " e"]
    counts: Int[np.ndarray, " n"]
    first: Int[np.ndarray, " n"]
    overlap: Float[np.ndarray, " e"]
    coverage: Float[np.ndarray, " e"]
    mean_rank: Mapping[str, Float[np.ndarray, " e"]]
    class_mix: Float[np.ndarray, "e c"] | None


def epochs_of(run: RunFolder) -> Iterator[tuple[int, Int[np.ndarray, " m"]]]:
    """Yields each epoch and its samples, reading one row group at a time.

    Raises:
        ValueError: if the epochs are out of order, or an epoch or a sample is not of this run.
    """
    path, last = run.selections, -1
    for epoch, pieces in groupby(_pieces(path), key=itemgetter(0)):
        indices = np.concatenate([piece for _, piece in pieces])
        if epoch <= last:
            raise ValueError(f"{path} has epoch {epoch} after epoch {last}: sort it by epoch")
        _check_range(path, "epoch", np.array([epoch]), run.summary.epochs)
        _check_range(path, "index", indices, run.summary.size)
        last = epoch
        yield epoch, indices


def _check_range(path: Path, column: str, values: Int[np.ndarray, " m"], count: int) -> None:
    wrong = values[(values < 0) | (values >= count)]
    if len(wrong):
        raise ValueError(
            f"{path} has {column} {wrong[0]}, but the run's summary allows 0 to {count - 1}: "
            "the file is of another run"
        )


def _pieces(path: Path) -> Iterator[tuple[int, Int[np.ndarray, " m"]]]:
    """Yields the parts of each row group that belong to one epoch."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            group = file.read_row_group(number, columns=["epoch", "index"])
            epochs, indices = group["epoch"].to_numpy(), group["index"].to_numpy()
            starts = np.flatnonzero(np.diff(epochs, prepend=epochs[:1] - 1))
            for start, end in zip(starts, [*starts[1:], len(epochs)], strict=True):
                yield int(epochs[start]), indices[start:end]


def follow(run: RunFolder) -> Trace:
    """Returns what became of each sample and each epoch, from one pass over the selections."""
    trace = _blank(run)
    ranks = {name: rank(score) for name, score in run.scores.items()}
    before: tuple[int, Int[np.ndarray, " m"]] | None = None
    for epoch, indices in epochs_of(run):
        trace.sizes[epoch] = len(indices)
        trace.counts[indices] += 1
        trace.first[indices] = np.minimum(trace.first[indices], epoch)
        trace.coverage[epoch:] = np.count_nonzero(trace.counts) / len(trace.counts)
        if before is not None and before[0] == epoch - 1:
            trace.overlap[epoch] = usage.overlap(before[1], indices)
        for name, values in ranks.items():
            trace.mean_rank[name][epoch] = values[indices].mean()
        if trace.class_mix is not None and run.labels is not None:
            trace.class_mix[epoch] = usage.class_mix(indices, run.labels)
        before = (epoch, indices)
    if before is None:
        raise ValueError(f"{run.selections} holds no samples: no epoch was trained")
    return trace


def _blank(run: RunFolder) -> Trace:
    size, num_epochs = run.summary.size, run.summary.epochs
    return Trace(
        sizes=np.zeros(num_epochs, np.int64),
        counts=np.zeros(size, np.int64),
        first=np.full(size, num_epochs),
        overlap=np.full(num_epochs, np.nan),
        coverage=np.zeros(num_epochs),
        mean_rank={name: np.full(num_epochs, np.nan) for name in run.scores},
        class_mix=np.zeros((num_epochs, len(run.classes))) if run.classes else None,
    )


def rank(score: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns the rank of each value between 0 (lowest) and 1 (highest), 0.5 on average."""
    ranks: Float[np.ndarray, " n"] = (rankdata(score) - 0.5) / len(score)
    return ranks


def paint(
    run: RunFolder, rows: Int[np.ndarray, " n"], num_rows: int
) -> Float[np.ndarray, "rows e"]:
    """Returns the share of each row's samples that each epoch used; NaN for a row of none.

    Args:
        run: the run.
        rows: row of the picture each sample belongs to; -1 leaves it out.
        num_rows: height of the picture.
    """
    shown = np.bincount(rows[rows >= 0], minlength=num_rows)
    picture = np.zeros((num_rows, run.summary.epochs))
    for epoch, indices in epochs_of(run):
        chosen = rows[indices]
        picture[:, epoch] = np.bincount(chosen[chosen >= 0], minlength=num_rows)
    with np.errstate(invalid="ignore"):
        return picture / shown[:, None]
