"""The score that a wanted share of a stream reaches, found without holding the scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Bool, Float32, Int, UInt32

from hf_dynsel.core import check_keep
from hf_dynsel.scores.table import PREFIX
from hf_dynsel.selectors.sharded import ordered
from hf_dynsel.selectors.share import share
from hf_dynsel.streaming.layout import SCORES, Finished

HALF = np.uint32(16)  # bits
BINS = 2**16
BATCH = 2**16  # rows
Parts = Callable[[], Iterator[Float32[np.ndarray, " m"]]]


@dataclass(frozen=True)
class Threshold:
    """Which rows are kept: those above a score, and the first of those that have just that.

    Args:
        value: the lowest score that is kept.
        last_tied: the last row with this score that is kept.
        count: how many rows are kept.
    """

    value: float
    last_tied: int
    count: int

    def keeps(self, scores: Float32[np.ndarray, " m"], first: int) -> Bool[np.ndarray, " m"]:
        """Returns which of some rows are kept.

        Args:
            scores: of rows that follow each other.
            first: the number of the first of these rows.
        """
        value = np.float32(self.value)
        left = np.arange(first, first + len(scores)) <= self.last_tied
        return np.asarray((scores > value) | ((scores == value) & left))


def threshold(folder: str | Path, keep: float, score: str) -> Threshold:
    """Returns the score above which a share of the rows lies, exactly, and where ties end.

    The rows are those that `TopScore` selects of the same scores, the lower ones of equal scores.
    The file is read three times; in memory are two histograms of 65,536 numbers.

    Args:
        folder: that `score_stream` returned.
        keep: fraction of the rows.
        score: its name.

    Raises:
        ValueError: if `keep` is out of range, the scores are not finished, or there is none of
            this name.
    """
    check_keep(keep)
    finished = Finished.read(folder)
    if score not in finished.scores:
        raise ValueError(
            f"{folder} has no score '{score}' (it has: {', '.join(finished.scores)}); call "
            "score_stream with it, which encodes nothing again"
        )
    count = max(1, share(keep, finished.rows))  # as Selector.budget
    return largest(lambda: _column(finished.folder / SCORES, PREFIX + score), count)


def largest(parts: Parts, count: int) -> Threshold:
    """Returns the threshold of the `count` largest scores, which are read part by part.

    A radix select: by the upper half of the bits, then by the lower half among those that share
    the upper one of the border.

    Args:
        parts: returns the scores from the beginning, without NaN, in parts of any length.
        count: from one to the number of scores.
    """
    counts = _histogram(ordered(part) >> HALF for part in parts())
    upper, left = _border(counts, count)
    same = (keys[keys >> HALF == upper] for keys in map(ordered, parts()))
    counts = _histogram(keys & np.uint32(BINS - 1) for keys in same)
    lower, left = _border(counts, left)
    border = np.uint32(upper << int(HALF) | lower)
    row = 0
    for part in parts():
        keys = ordered(part)
        tied = np.flatnonzero(keys == border)
        if left <= len(tied):
            value = float(part[tied[left - 1]])
            return Threshold(value, row + int(tied[left - 1]), count)
        row, left = row + len(part), left - len(tied)
    raise AssertionError("the scores changed between two passes")


def _histogram(keys: Iterator[UInt32[np.ndarray, " m"]]) -> Int[np.ndarray, " bins"]:
    counts = np.zeros(BINS, np.int64)
    for part in keys:
        counts += np.bincount(part, minlength=BINS)
    return counts


def _border(counts: Int[np.ndarray, " bins"], wanted: int) -> tuple[int, int]:
    """Returns the bin of the wanted-th largest key, and how many of this bin are wanted."""
    at_least = np.cumsum(counts[::-1])[::-1]
    found = int(np.flatnonzero(at_least >= wanted)[-1])
    return found, wanted - int(at_least[found] - counts[found])


def _column(path: Path, name: str) -> Iterator[Float32[np.ndarray, " m"]]:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(BATCH, columns=[name]):
            yield batch.column(0).to_numpy()
