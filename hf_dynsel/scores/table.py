"""A table of scores apart from their data, and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

INDEX, ROW_HASH, PREFIX = "index", "row_hash", "score_"
CODES = ("sae_indices", "sae_values")
FEATURES = ("features",)


@dataclass(frozen=True)
class ScoreTable:
    """The scores of a dataset, one row per sample, in the order in which they were computed.

    Args:
        rows: the columns `index`, the classes that the scores read, `row_hash` if the rows can be
            found in another order, and `score_*`; also `sae_*` and `features` if they were read.
        notes: which dataset these are the rows of, and the provenance of each score.
        source: the folder, or the Hub repository and commit, it was read from.
        shared: whether that is a repository.
    """

    rows: pa.Table
    notes: Mapping[str, Any] = field(repr=False)
    source: str
    shared: bool = False

    @property
    def columns(self) -> list[str]:
        """What `attach` adds to a dataset."""
        made = (*CODES, *FEATURES)
        return [n for n in self.rows.column_names if n.startswith(PREFIX) or n in made]

    @property
    def labels(self) -> list[str]:
        """The class columns that the scores read."""
        return list(self.notes["labels"])

    @property
    def has_hashes(self) -> bool:
        """Whether the rows can be found in a dataset of another order or format."""
        return ROW_HASH in self.rows.column_names

    def __len__(self) -> int:
        return len(self.rows)
