"""Puts rows in the order in which each is the farthest from those before it, in float32."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from hf_dynsel.scores.centred import centred, scale
from hf_dynsel.scores.exact_neighbors import device, full_precision
from hf_dynsel.scores.twins import first_twins

FRONT = 1024  # rows whose distances are kept up to date; a few MB, which stay in the cache
BLOCK = 2048  # centres that a product takes at a time
CLOSE = 2.0**-14  # of the squared lengths: below it, products in float32 have few digits left
PATIENCE = 2.0  # seconds without a progress bar
PAIRS = 2**22  # entries of 4 bytes in a table of differences


def central_row(features: Float[np.ndarray, "n d"]) -> int:
    """Returns the row nearest to the mean, the lowest of equals.

    Args:
        features: finite, one row per sample.
    """
    squares = [np.einsum("nd,nd->n", block, block) for _, block in centred(features)]
    return int(np.concatenate(squares).argmin())


def farthest_first(
    features: Float[np.ndarray, "n d"], start: int, count: int
) -> Int[np.ndarray, " k"]:
    """Returns `count` rows: a first one, then always the farthest from all those before it.

    Of rows that are equally far, the lower one comes first, and a shorter order is the beginning
    of a longer one. Rows that equal one before them come last, the lower first. A row's distance
    to the centres so far can only shrink, so an old one bounds it from above: only the 1,024 rows
    with the largest bounds are brought up to date, by one product with all the centres that they
    have not met, and are followed until one of the others might be farther. So most of the work is
    products of matrices, and the order is that of a full table of distances but for the rounding
    of float32: which of two rows comes first is left to it where their squared distances differ
    by less than some millionths of the squared lengths, which count from the central row.

    Memory, beside the features: 50 bytes per row and 40 MB; on an accelerator, a copy of them.

    Args:
        features: finite, one row per sample, float32 or float64, writable.
        start: the first row.
        count: how many rows, at least one and at most all.
    """
    repeated = _repeated(features, start)
    distinct = min(count, len(features) - len(repeated))
    on = torch.from_numpy(features).to(device())
    with full_precision(on.device):
        greedy = _Greedy.at(on, central_row(features), scale(features), start, distinct)
        greedy.bounds[torch.from_numpy(repeated).to(on.device)] = -1
        with tqdm(total=distinct, desc="k-center", unit="sample", delay=PATIENCE) as bar:
            while greedy.taken < distinct:
                greedy.advance()
                bar.update(greedy.taken - bar.n)
    return np.concatenate([greedy.order.cpu().numpy(), repeated[: count - distinct]])


def _repeated(features: Float[np.ndarray, "n d"], start: int) -> Int[np.ndarray, " r"]:
    """Returns the rows that equal the start or a lower row, sorted."""
    firsts = first_twins(features)
    repeated = firsts != np.arange(len(features))
    repeated[firsts[start]] = True
    repeated[start] = False
    return np.flatnonzero(repeated)


@dataclass
class _Greedy:
    """The state of the search; `taken` counts the rows in the order so far.

    `bounds` holds a squared distance to the first `met` centres of the order, and minus one for
    the centres and for rows that are not to become one.
    """

    given: Float[Tensor, "n d"]
    scale: float
    origin: Float[Tensor, " d"]
    lengths: Float[Tensor, " n"]
    bounds: Float[Tensor, " n"]
    met: Int[Tensor, " n"]
    order: Int[Tensor, " k"]
    taken: int

    @classmethod
    def at(
        cls, given: Float[Tensor, "n d"], origin: int, scale: float, start: int, count: int
    ) -> "_Greedy":
        n = len(given)
        order = torch.full((count,), start, device=given.device)
        lengths, bounds = given.new_empty(2, n, dtype=torch.float32)
        met = torch.ones(n, dtype=torch.int32, device=given.device)
        greedy = cls(given, scale, given[origin] * scale, lengths, bounds, met, order, 1)
        for rows in torch.split(torch.arange(n, device=given.device), BLOCK):
            lengths[rows] = greedy.points(rows).square().sum(dim=1)
        bounds.fill_(torch.inf)[start] = -1
        for rows in torch.split(torch.arange(n, device=given.device), BLOCK):
            greedy.meet(rows, order[:1])
        return greedy

    def points(self, rows: Int[Tensor, " r"]) -> Float[Tensor, "r d"]:
        """Returns rows relative to the origin, a row too: small whole numbers stay exact."""
        return (self.given[rows].mul_(self.scale) - self.origin).float()

    def advance(self) -> None:
        """Brings the rows with the largest bounds up to date, and takes centres from them."""
        front, border, last = self.front()
        self.refresh(front[(self.bounds[front] > 0) & (self.met[front] < self.taken)])
        points, lengths, bounds = self.points(front), self.lengths[front], self.bounds[front]
        while self.taken < len(self.order):
            farthest = int(bounds.argmax())
            bound = float(bounds[farthest])
            if bound < border or (bound == border and front[farthest] > last):
                break  # a row outside may be farther, or as far and lower
            self.order[self.taken] = front[farthest]
            self.taken += 1
            bounds[farthest] = -1
            if bound > 0:
                one = slice(farthest, farthest + 1)
                _lower(bounds, points, lengths, points[one], lengths[one])
        self.bounds[front] = bounds
        self.met[front] = self.taken

    def front(self) -> tuple[Int[Tensor, " m"], float, int]:
        """Returns the rows with the largest bounds, the smallest of these, and its last row."""
        border = self.bounds.topk(min(FRONT, len(self.bounds))).values[-1]
        above = (self.bounds > border).nonzero()[:, 0]
        tied = (self.bounds == border).nonzero()[:, 0][: FRONT - len(above)]
        return torch.cat([above, tied]).sort().values, float(border), int(tied[-1])

    def refresh(self, rows: Int[Tensor, " r"]) -> None:
        """Lets rows meet the centres that they have not met."""
        met, places = self.met[rows].sort(stable=True)
        rows = rows[places]
        for first in range(int(met[0]) if len(rows) else self.taken, self.taken, BLOCK):
            end = min(first + BLOCK, self.taken)
            self.meet(rows[: int((met < end).sum())], self.order[first:end])

    def meet(self, rows: Int[Tensor, " r"], centres: Int[Tensor, " c"]) -> None:
        """Lowers the bounds of rows to their distance to the nearest of some centres."""
        bounds, others = self.bounds[rows], self.points(centres)
        lengths = self.lengths[rows], self.lengths[centres]
        _lower(bounds, self.points(rows), lengths[0], others, lengths[1])
        self.bounds[rows] = bounds


def _lower(
    bounds: Float[Tensor, " r"],
    points: Float[Tensor, "r d"],
    lengths: Float[Tensor, " r"],
    others: Float[Tensor, "c d"],
    other_lengths: Float[Tensor, " c"],
) -> None:
    """Lowers bounds to the squared distance to the nearest of others, in place."""
    table = torch.addmm(other_lengths, points, others.T, alpha=-2)
    least = table.amin(dim=1).add_(lengths)
    close = (least < CLOSE * (lengths + other_lengths.max())) & (bounds > 0)
    if close.any():
        rows = close.nonzero()[:, 0]
        table = table[rows] + lengths[rows, None]
        limit = CLOSE * (lengths[rows, None] + other_lengths)
        for pairs in torch.split((table < limit).nonzero(), max(1, PAIRS // points.shape[1])):
            differences = points[rows[pairs[:, 0]]] - others[pairs[:, 1]]
            table[pairs[:, 0], pairs[:, 1]] = differences.square().sum(dim=1)
        least[rows] = table.amin(dim=1)
    torch.minimum(bounds, least.clamp_(min=0), out=bounds)
