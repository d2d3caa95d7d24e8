"""Top-k codes and their products with the weights, at the cost of the active units alone."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from hf_dynsel.sae.config import TopKMode

GROUP = 8  # units whose maximum is looked at first


@dataclass(frozen=True)
class SparseCodes:
    """The codes of a batch: which units were kept for each item, and their values.

    Every other unit is zero. A unit is active where its value is above zero.
    """

    values: Float[Tensor, "n k"]
    indices: Int[Tensor, "n k"]

    def rectified(self) -> "SparseCodes":
        """Returns the codes with zeros for negative values."""
        return SparseCodes(self.values.relu(), self.indices)

    def dense(self, num_latents: int) -> Float[Tensor, "n units"]:
        """Returns one column per unit."""
        zeros = self.values.new_zeros(len(self.values), num_latents)
        return zeros.scatter(1, self.indices, self.values)


def top_units(
    pre_activations: Float[Tensor, "n units"], k: int, mode: TopKMode
) -> Int[Tensor, "n k"]:
    """Returns the units kept for each item; where units tie for the last place, the lower wins.

    `torch.topk` leaves that choice open and makes it differently on each device, so rows with
    such a tie, seen from the place after the last, are sorted again.
    """
    rank = pre_activations.abs() if mode == "abs" else pre_activations
    if k == rank.shape[1]:
        return torch.arange(k, device=rank.device).expand(len(rank), k)
    values, indices = _largest(rank, k + 1, in_order=True)
    kept = indices[:, :k]
    tied = values[:, k - 1] == values[:, k]
    if tied.any():
        kept[tied] = rank[tied].sort(dim=1, descending=True, stable=True).indices[:, :k]
    return kept


def _largest(
    rank: Float[Tensor, "n units"], count: int, in_order: bool
) -> tuple[Float[Tensor, "n count"], Int[Tensor, "n count"]]:
    """Returns the largest values of each row, in falling order if asked, and where they are.

    Of groups of units, only as many as values are wanted can hold any: those with the largest
    maxima. Finding them first, the same way, leaves `torch.topk` little of the row to look at.
    """
    groups = rank.shape[1] // GROUP
    if rank.shape[1] % GROUP or groups < 2 * count:
        return torch.topk(rank, count, dim=1, sorted=in_order)
    # Units far apart form a group, so that maxima are taken of whole rows of memory.
    _, best = _largest(rank.view(len(rank), GROUP, groups).amax(1), count, in_order=False)
    offsets = torch.arange(0, rank.shape[1], groups, device=rank.device)
    places = (best[:, None, :] + offsets[:, None]).flatten(1)
    values, chosen = rank.gather(1, places).topk(count, dim=1, sorted=in_order)
    return values, places.gather(1, chosen)


class KeptUnits(torch.autograd.Function):
    """The pre-activations of the kept units, whose gradient never becomes a dense matrix."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor, values: Tensor, indices: Tensor
    ) -> Tensor:
        """Returns `values`, which must be `inputs @ weight.T + bias` at `indices`."""
        ctx.save_for_backward(inputs, weight, indices)
        return values.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients of the inputs, the weight and the bias."""
        inputs, weight, indices = ctx.saved_tensors
        grad_inputs = weighted_rows(weight, indices, grad) if ctx.needs_input_grad[0] else None
        grad_weight = sums_by_unit(indices, len(weight), (grad, inputs))
        grad_bias = grad.new_zeros(len(weight)).index_add_(0, indices.flatten(), grad.flatten())
        return grad_inputs, grad_weight, grad_bias, None, None


def weighted_rows(
    weight: Float[Tensor, "units d"],
    indices: Int[Tensor, "n k"],
    factors: Float[Tensor, "n k"],
) -> Float[Tensor, "n d"]:
    """Returns, for each item, the sum of its units' rows times their factors."""
    return F.embedding_bag(indices, weight, per_sample_weights=factors, mode="sum")


def sums_by_unit(
    indices: Int[Tensor, "n k"],
    num_latents: int,
    *terms: tuple[Float[Tensor, "n k"], Float[Tensor, "n d"]],
) -> Float[Tensor, "units d"]:
    """Returns, for each unit, the sum over its items and over the terms of factor times row.

    Sorting the slots by unit turns the scatter into a gather: one write per unit, no atomics,
    the same sum on every run.

    Args:
        indices: the units of each item.
        num_latents: number of units.
        terms: a factor for each slot, and a row for each item.
    """
    units, order = indices.flatten().sort(stable=True)
    starts = torch.searchsorted(units, torch.arange(num_latents, device=units.device))
    items, count = order // indices.shape[1], len(indices)
    slots = torch.stack([items + count * term for term in range(len(terms))], dim=1)
    factors = torch.stack([factor.flatten()[order] for factor, _ in terms], dim=1)
    rows = torch.cat([row for _, row in terms])
    return F.embedding_bag(
        slots.flatten(),
        rows,
        starts * len(terms),
        per_sample_weights=factors.flatten(),
        mode="sum",
    )
