"""Samples that were fetched together and are one batch already."""

from collections.abc import Iterator, Mapping

from torch import Tensor


class Gathered:
    """A batch that a collator may also take for a list of its samples.

    Args:
        batch: tensors with a row for each sample.
    """

    def __init__(self, batch: Mapping[str, Tensor]) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return len(next(iter(self.batch.values())))

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        return {name: rows[place] for name, rows in self.batch.items()}

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        return (self[place] for place in range(len(self)))
