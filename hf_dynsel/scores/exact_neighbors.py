"""The nearest neighbours and their distances, exactly, without a table of all pairs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

BLOCK_ENTRIES = 2**26  # of 4 bytes: 256 MiB
SPARE = 10  # candidates beyond those asked for: every row of real features is sure at once
WIDER = 8
TIED = 100  # candidates among which equal distances are told apart by their ids
UNIT_ROUNDOFF = 2.0**-24  # of float32


def exact_distances(
    features: Float[np.ndarray, "n d"], rows: Int[np.ndarray, " r"], neighbors: int
) -> Float[np.ndarray, "r k"]:
    """Returns the sorted Euclidean distances of some rows to their nearest other rows.

    Matrix products in float32 only propose candidates. The distances are those of the
    differences as given, added up in float64, so that near duplicates and a far origin lose no
    digits; and a row is looked at again, among more candidates, until a bound on the rounding of
    the products proves that no nearer neighbour was left out.

    Memory, beside the features: a copy of them on the device, one of float32, and 256 MiB; or
    three copies for a row with nearly as many near duplicates as there are rows.

    Args:
        features: finite, at least `neighbors + 1` rows, float32 or float64, writable.
        rows: which to search for; the neighbours come from all rows.
        neighbors: how many, the row itself not counted.
    """
    return _search(features, rows, neighbors, ordered=False)[0]


def exact_neighbors(
    features: Float[np.ndarray, "n d"], rows: Int[np.ndarray, " r"], neighbors: int
) -> tuple[Float[np.ndarray, "r k"], Int[np.ndarray, "r k"]]:
    """Returns the distances of some rows to their nearest other rows, and which those are.

    Of rows at equal distance, the lower ones come first, and are in where not all fit. Only where
    more than 100 rows are about as near as the last neighbour may higher ones be in for lower ones.

    Args:
        features: as for `exact_distances`, whose distances and memory these are.
        rows: which to search for; the neighbours come from all rows.
        neighbors: how many, the row itself not counted.
    """
    return _search(features, rows, neighbors, ordered=True)


def _search(
    features: Float[np.ndarray, "n d"], rows: Int[np.ndarray, " r"], neighbors: int, ordered: bool
) -> tuple[Float[np.ndarray, "r k"], Int[np.ndarray, "r k"]]:
    points = _Points.on(torch.from_numpy(features).to(device()))
    wanted = torch.from_numpy(rows).to(points.given.device)
    found = points.given.new_empty(len(rows), neighbors)
    ids = wanted.new_empty(len(rows), neighbors)
    left, candidates = torch.arange(len(rows), device=wanted.device), neighbors + 1 + SPARE
    with full_precision(wanted.device):
        while len(left):
            candidates = min(candidates, len(features))
            strict = ordered and candidates < TIED
            unsure = []
            for block in torch.split(left, block_rows(features.shape, candidates)):
                nearest = points.nearest(wanted[block], neighbors, candidates, strict)
                found[block], ids[block], sure = nearest
                unsure.append(block[~sure])
            left, candidates = torch.cat(unsure), WIDER * candidates
    return np.asarray(found.cpu().numpy()), np.asarray(ids.cpu().numpy())


def device() -> torch.device:
    """Returns the current accelerator, or the processor where there is none with float64."""
    found = torch.accelerator.current_accelerator(check_available=True)
    return torch.device("cpu") if found is None or found.type == "mps" else found


def block_rows(shape: tuple[int, ...], candidates: int) -> int:
    """Returns how many rows to look at in one go, at least one.

    Neither their table of products, with `n` entries for each, nor that of the differences from
    their candidates, with `candidates * d` and as many of float64, may pass the limit.
    """
    n, d = shape
    return max(1, BLOCK_ENTRIES // max(n, 3 * candidates * d))


def distances_between(
    points: Float[Tensor, "n d"], rows: Int[Tensor, " r"], others: Int[Tensor, "r m"]
) -> Float[Tensor, "r m"]:
    """Returns the distance of each row to each of its others, in float64."""
    differences = points[others]
    differences -= points[rows, None]  # in place: one table of this size is enough
    distances: Tensor = torch.linalg.vector_norm(differences, dim=-1, dtype=torch.float64)
    return distances


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Computes products of float32 in float32, whatever the training allows, for the block.

    TF32 and bfloat16 have 11 and 8 bits, and `tf32=True` in the training arguments holds for
    the whole process.
    """
    settings = (
        torch.backends.cuda.matmul,
        torch.backends.mkldnn.matmul,  # type: ignore[attr-defined]
    )
    before = [setting.fp32_precision for setting in settings]
    try:
        for setting in settings:
            setting.fp32_precision = "ieee"
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        for setting, precision in zip(settings, before, strict=True):
            setting.fp32_precision = precision


@dataclass(frozen=True)
class _Points:
    """The points as given, and centred for products.

    `shrunk` holds the squared lengths less a share that covers every rounding error: those of
    the product, at most `d` units in the last place of `|x| |y|`, and a few of the rest.
    """

    given: Float[Tensor, "n d"]
    centred: Float[Tensor, "n d"]
    shrunk: Float[Tensor, " n"]

    @classmethod
    def on(cls, given: Float[Tensor, "n d"]) -> "_Points":
        centred = (given - given.mean(dim=0)).float()
        lengths = torch.linalg.vector_norm(centred, dim=1, dtype=torch.float64)
        share = (given.shape[1] + 16) * UNIT_ROUNDOFF
        return cls(given, centred, (1 - share) * lengths.square())

    def nearest(
        self, rows: Int[Tensor, " r"], neighbors: int, candidates: int, strict: bool
    ) -> tuple[Float[Tensor, "r k"], Int[Tensor, "r k"], Bool[Tensor, " r"]]:
        """Returns the distances to the nearest candidates, their ids, and which rows are sure.

        A row is sure if nothing that was left out is nearer; if `strict`, nor equally near.
        """
        bounds, others = torch.addmm(
            self.shrunk.float(), self.centred[rows], self.centred.T, beta=1, alpha=-2
        ).topk(candidates, largest=False)
        left_out = bounds[:, -1] + self.shrunk[rows]
        others = others.sort().values  # so that a stable sort puts the lower of equals first
        distances = distances_between(self.given, rows, others)
        distances[others == rows[:, None]] = torch.inf  # itself, by its id: duplicates count
        nearest, places = (part[:, :neighbors] for part in distances.sort(stable=True))
        furthest = nearest[:, -1]
        within = furthest.square()
        sure = within < left_out if strict else (within <= left_out) | (furthest == 0)
        sure |= candidates == len(self.given)
        return nearest.to(self.given.dtype), others.gather(1, places), sure
