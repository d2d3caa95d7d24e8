"""Splits the dense work on a batch among processes, so that their number changes no bit of it.

A step on a batch costs its product with the weights, of which the top k of each item remain. The
rest needs these alone. So each process takes the product for its share of the items and tells
the others which units it kept: a few numbers per item, where gradients would be as large as the
weights. The rest is done by every process for itself, and comes out the same in all of them.
"""

from dataclasses import dataclass

import torch
from accelerate.utils import broadcast, gather
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from hf_dynsel.distributed import processes
from hf_dynsel.sae.model import SparseAutoencoder
from hf_dynsel.sae.revival import highest_answers, strongest_items
from hf_dynsel.sae.sparse import SparseCodes

LEAST_ROWS = 256  # in a share: exchanging fewer costs more than computing them


@dataclass(frozen=True)
class Share:
    """Which items of a batch a process answers for.

    A product may differ in its last bit with the number of its rows, so a share consists of the
    pieces in which one process would take it. Where there are fewer shares of a useful size than
    processes, some processes do the same.

    Args:
        items: in the batch.
        piece: items of a product, but for the last one.
        process: this one, from zero.
        processes: how many there are.
    """

    items: int
    piece: int
    process: int = 0
    processes: int = 1

    @property
    def rows(self) -> slice:
        """The items of this process."""
        return slice(*self._own)

    def __len__(self) -> int:
        first, last = self._own
        return last - first

    @property
    def _own(self) -> tuple[int, int]:
        return self._ends(self.process * self._shares // self.processes)

    @property
    def _pieces(self) -> int:
        return -(-self.items // self.piece)

    @property
    def _shares(self) -> int:
        return max(1, min(self.processes, self._pieces, self.items // LEAST_ROWS))

    def _ends(self, share: int) -> tuple[int, int]:
        starts = (self._pieces * end // self._shares for end in (share, share + 1))
        first, last = (min(self.items, start * self.piece) for start in starts)
        return first, last

    @torch.no_grad()
    def codes(
        self,
        sae: SparseAutoencoder,
        inputs: Float[Tensor, "n d"],
        table: Float[Tensor, "m units"],
        whole: bool = False,
    ) -> SparseCodes:
        """Returns the codes of the batch, as `SparseAutoencoder.codes` does.

        Args:
            table: to write answers into; as many rows as the share has, or more.
            whole: whether the table must hold those to all items of the share afterwards.
        """
        own = sae.codes(inputs[self.rows], table, whole)
        return SparseCodes(self.joined(own.values), self.joined(own.indices.int()).long())

    def highest(
        self, answers: Float[Tensor, "own units"], units: Int[Tensor, " u"]
    ) -> Float[Tensor, " u"]:
        """Returns the largest answer of some units to any item of the batch."""
        own = highest_answers(answers, units)
        return own if self._shares == 1 else gather(own[None]).amax(0)

    def strongest(
        self, answers: Float[Tensor, "own units"], units: Int[Tensor, " u"]
    ) -> Int[Tensor, " u"]:
        """Returns, for some units, the item of the batch with the largest answer."""
        own = strongest_items(answers, units)
        if self._shares == 1:
            return own
        best: Tensor = gather(answers[own, units][None]).argmax(0)
        items: Tensor = gather((own + self.rows.start)[None])
        return items.gather(0, best[None])[0]

    def joined(self, own: Shaped[Tensor, "own ..."]) -> Shaped[Tensor, "n ..."]:
        """Returns rows of all items of the batch, given those of this process."""
        if self._shares == 1:
            return own
        ends = [self._ends(share) for share in range(self._shares)]
        most = max(stop - start for start, stop in ends)
        padded = own.new_zeros(most, *own.shape[1:])
        padded[: len(own)] = own
        parts = gather(padded).split(most)
        # Of the processes with one share, the first.
        first = [-(-share * self.processes // self._shares) for share in range(self._shares)]
        pairs = zip(first, ends, strict=True)
        return torch.cat([parts[process][: stop - start] for process, (start, stop) in pairs])


@dataclass(frozen=True)
class Team:
    """The processes that train one autoencoder together; by default this one alone.

    Args:
        process: this one, from zero.
        processes: how many there are.
    """

    process: int = 0
    processes: int = 1

    @classmethod
    def everyone(cls) -> "Team":
        """Returns all processes of the launcher."""
        state = processes()
        return cls(state.process_index, state.num_processes)

    @property
    def device(self) -> torch.device:
        """Where this process works: its launcher's device, or CUDA where there is one."""
        if self.processes > 1:
            own: torch.device = processes().device
            return own
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def share(self, sae: SparseAutoencoder, items: int) -> Share:
        """Returns this process's share of a batch."""
        # A GPU takes a product at once, however many rows it has.
        piece = sae.piece() if sae.mean.device.type == "cpu" else LEAST_ROWS
        return Share(items, piece, self.process, self.processes)

    def agree(self, sae: SparseAutoencoder) -> None:
        """Gives all processes the weights of the first: a GPU may add up in another order."""
        if self.processes > 1 and sae.mean.device.type != "cpu":
            with torch.no_grad():
                for weight in sae.parameters():
                    weight.copy_(broadcast(weight.detach()))


ALONE = Team()
