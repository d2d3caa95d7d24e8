"""Deals feature rows to a device in shuffled batches, from memory where they fit."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hf_dynsel.feature_rows import Rows
from hf_dynsel.sae.parallel import Share

RESIDENT_BYTES = 4 * 2**30


class Batches:
    """Every row once per pass, in a new order each time, in batches of nearly equal size.

    Rows of up to 4 GiB are moved to the device once. Larger ones are read batch by batch.

    Args:
        rows: the feature vectors.
        batch_size: rows per batch, at most.
        device: where the batches go.
        seed: of the orders.
        share: returns a process's share of a batch, of several that deal the same batches: of
            those that are read, each reads its share, and gets the rest from the others.
    """

    def __init__(
        self,
        rows: Rows,
        batch_size: int,
        device: torch.device,
        seed: int,
        share: Callable[[int], Share] | None = None,
    ) -> None:
        self._share = share
        self._rows = rows
        self._device = device
        self._generator = torch.Generator().manual_seed(seed)
        self._count = -(-rows.shape[0] // batch_size)
        self.largest = -(-rows.shape[0] // self._count)
        small = 4 * rows.shape[0] * rows.shape[1] <= RESIDENT_BYTES
        self._resident = rows.read(slice(None)).to(device) if small else None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Float[Tensor, "b d"]]:
        order = torch.randperm(self._rows.shape[0], generator=self._generator)
        return map(self._read, order.tensor_split(self._count))

    def _read(self, items: Int[Tensor, " b"]) -> Float[Tensor, "b d"]:
        if self._resident is not None:
            return self._resident[items.to(self._device)]
        if self._share is None:
            return self._rows.read(items.numpy()).to(self._device)
        share = self._share(len(items))
        return share.joined(self._rows.read(items[share.rows].numpy()).to(self._device))
