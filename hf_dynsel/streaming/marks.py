"""Hashes of some rows, by which a stream is known to be the one that was scored."""

from collections.abc import Sequence
from typing import Any

from datasets import Dataset, Features

from hf_dynsel.provenance import DERIVED
from hf_dynsel.scores.row_hash import row_hashes

EVERY = 256  # rows from one mark to the next


def marked_columns(features: Features) -> list[str]:
    """Returns the columns whose values count: those that this package did not make."""
    return sorted(name for name in features if not name.startswith(DERIVED))


def marks_of(chunk: Dataset, columns: Sequence[str]) -> list[str | None]:
    """Returns a hash for the first of every 256 rows, and None for others."""
    found: list[str | None] = [None] * len(chunk)
    found[::EVERY] = row_hashes(chunk.select(range(0, len(chunk), EVERY)), columns).to_pylist()
    return found


def first_mark(rows: dict[str, list[Any]], features: Features, columns: Sequence[str]) -> str:
    """Returns the hash of the first of some rows."""
    first = Dataset.from_dict({name: values[:1] for name, values in rows.items()}, features)
    return str(row_hashes(first, columns)[0])
