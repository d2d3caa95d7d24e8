"""Measures how well a sparse autoencoder fits: unexplained variance, active units, dead units."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hf_dynsel.sae.config import QUANTILES
from hf_dynsel.sae.sparse import SparseCodes

FitValues = dict[str, float]


class Fit:
    """Sums over batches, kept on the device until they are read.

    Args:
        num_latents: number of units.
        device: where the batches are.
    """

    def __init__(self, num_latents: int, device: torch.device) -> None:
        self._sums = torch.zeros(4, dtype=torch.float64, device=device)
        self._fired = torch.zeros(num_latents, dtype=torch.int64, device=device)

    @torch.no_grad()
    def add(
        self,
        inputs: Float[Tensor, "n d"],
        codes: SparseCodes,
        reconstruction: Float[Tensor, "n d"],
    ) -> None:
        """Counts one batch of standardized inputs."""
        active = codes.values > 0
        error, total = (inputs - reconstruction).square().sum(), inputs.square().sum()
        items = total.new_full((), len(inputs))
        self._sums += torch.stack([error, total, active.sum(), items]).double()
        self._fired.index_add_(0, codes.indices.flatten(), active.flatten().long())

    def values(self) -> FitValues:
        """Returns fvu, l0 and dead_share, as `TrainingSummary` describes them."""
        error, total, active, items = self._sums.tolist()
        dead_share = (self._fired == 0).double().mean().item()
        return {"fvu": error / max(total, 1e-300), "l0": active / items, "dead_share": dead_share}

    def unit_frequency(self) -> FitValues:
        """Returns quantiles of the share of items that activate a unit, over all units."""
        shares = self._fired.cpu().numpy() / self._sums[3].item()
        return dict(
            zip(QUANTILES, np.quantile(shares, [*QUANTILES.values()]).tolist(), strict=True)
        )
