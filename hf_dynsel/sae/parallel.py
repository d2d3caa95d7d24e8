"""Splits the dense work on a batch among processes, so that their number changes no bit of it.

A step on a batch costs its product with the weights, of which the top k of each item remain. The
rest needs these alone. So each process takes the product for its share of the items and tells
the others which units it kept: a few numbers per item, where gradients would be as large as the
weights. The rest is done by every process for itself, and comes out the same in all of them.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from accelerate.utils import broadcast, gather
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from hf_dynsel.distributed import processes
from hf_dynsel.sae.model import SparseAutoencoder
from hf_dynsel.sae.revival import highest_answers, strongest_items
from hf_dynsel.sae.sparse import SparseCodes, top_units

BLOCKS, LEAST_ROWS = 8, 256


@dataclass(frozen=True)
class Share:
    """The items of a batch that one process answers for.

    A product may differ in its last bit with the number of its rows. So batches are cut into
    blocks that do not depend on the number of processes: 8, or 4, 2 or 1 so that each has at
    least 256 items. Of more processes than blocks, some do the same.

    Args:
        items: in the batch.
        process: this one, from zero.
        processes: how many there are.
    """

    items: int
    process: int = 0
    processes: int = 1

    @property
    def blocks(self) -> list[range]:
        """The items of this process, in the blocks that are multiplied one by one."""
        own = self._bounds(self.process * self._seats // self.processes)
        return [range(start, stop) for start, stop in pairwise(own)]

    @property
    def rows(self) -> slice:
        """The items of this process."""
        return slice(self.blocks[0].start, self.blocks[-1].stop)

    def __len__(self) -> int:
        return sum(map(len, self.blocks))

    @property
    def _count(self) -> int:
        """How many blocks the batch has."""
        most = max(1, min(BLOCKS, self.items // LEAST_ROWS))
        return 1 << most.bit_length() - 1  # a power of two: as many are processes, mostly

    @property
    def _seats(self) -> int:
        return min(self._count, self.processes)

    def _bounds(self, seat: int) -> list[int]:
        """Returns where the blocks of a seat begin, and where the last one ends."""
        count, seats = self._count, self._seats
        own = range(count * seat // seats, count * (seat + 1) // seats + 1)
        return [self.items * block // count for block in own]

    def pre_activations(
        self, sae: SparseAutoencoder, inputs: Float[Tensor, "n d"], table: Float[Tensor, "m units"]
    ) -> Float[Tensor, "own units"]:
        """Returns what every unit answers to the items of this process, block by block.

        Args:
            inputs: of the whole batch, standardized.
            table: to write into, with a row per item of this process or more.
        """
        start = 0
        for block in self.blocks:
            stop = start + len(block)
            sae.pre_activations(inputs[block.start : block.stop], out=table[start:stop])
            start = stop
        return table[:start]

    def codes(
        self,
        sae: SparseAutoencoder,
        inputs: Float[Tensor, "n d"],
        pre_activations: Float[Tensor, "own units"],
    ) -> SparseCodes:
        """Returns the codes of the whole batch, given this process's pre-activations."""
        indices = top_units(pre_activations, sae.config.k, sae.config.topk_mode)
        values = self.joined(pre_activations.gather(1, indices))
        return sae.codes(inputs, values, self.joined(indices.int()).long())

    @torch.no_grad()
    def encode(
        self, sae: SparseAutoencoder, inputs: Float[Tensor, "n d"], table: Float[Tensor, "m units"]
    ) -> SparseCodes:
        """Returns the codes of the whole batch, of which this process makes its share."""
        return self.codes(sae, inputs, self.pre_activations(sae, inputs, table))

    def highest(
        self, pre_activations: Float[Tensor, "own units"], units: Int[Tensor, " u"]
    ) -> Float[Tensor, " u"]:
        """Returns the largest answer of some units to any item of the batch."""
        own = highest_answers(pre_activations, units)
        return own if self._seats == 1 else gather(own[None]).amax(0)

    def strongest(
        self, pre_activations: Float[Tensor, "own units"], units: Int[Tensor, " u"]
    ) -> Int[Tensor, " u"]:
        """Returns, for some units, the item of the batch with the largest answer."""
        own = strongest_items(pre_activations, units)
        if self._seats == 1:
            return own
        best: Tensor = gather(pre_activations[own, units][None]).argmax(0)
        items: Tensor = gather((own + self.rows.start)[None])
        return items.gather(0, best[None])[0]

    def joined(self, own: Shaped[Tensor, "own ..."]) -> Shaped[Tensor, "n ..."]:
        """Returns rows of all items of the batch, given those of this process."""
        if self._seats == 1:
            return own
        bounds = [self._bounds(seat) for seat in range(self._seats)]
        sizes = [bound[-1] - bound[0] for bound in bounds]
        padded = own.new_zeros(max(sizes), *own.shape[1:])
        padded[: len(own)] = own
        parts = gather(padded).split(max(sizes))
        # Of the processes of one seat, the first.
        first = [-(-seat * self.processes // self._seats) for seat in range(self._seats)]
        return torch.cat([parts[p][:size] for p, size in zip(first, sizes, strict=True)])


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

    def share(self, items: int) -> Share:
        """Returns this process's share of a batch."""
        return Share(items, self.process, self.processes)

    def table(self, sae: SparseAutoencoder, largest: int) -> Float[Tensor, "m units"]:
        """Returns room for the pre-activations of its shares of batches.

        Args:
            largest: items in a batch, at most.
        """
        # The largest share is that of the largest batch, or of one just too small for more blocks.
        short = [LEAST_ROWS * blocks - 1 for blocks in (2, 4, 8) if LEAST_ROWS * blocks <= largest]
        rows = max(len(self.share(items)) + 1 for items in (largest, *short))
        return sae.weight.new_empty(min(rows, largest), sae.config.num_latents)

    def agree(self, sae: SparseAutoencoder) -> None:
        """Gives all processes the weights of the first: a GPU may add up in another order."""
        if self.processes > 1 and sae.mean.device.type != "cpu":
            with torch.no_grad():
                for weight in sae.parameters():
                    weight.copy_(broadcast(weight.detach()))


ALONE = Team()
