"""The sparse autoencoder: tied weights, top-k codes, saved as a config and a safetensors file."""

from typing import Any, final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from hf_dynsel.sae.config import SparseAutoencoderConfig, TrainingSummary
from hf_dynsel.sae.sparse import KeptUnits, SparseCodes, top_units, weighted_rows
from hf_dynsel.saved_models import Kind, SavedModel

CACHED = 2**20  # answers that are ranked at a time: few enough for a processor's cache


@final
class SparseAutoencoder(SavedModel):
    """Describes each feature vector by a few of many learned units.

    Inputs are the features scaled to unit length, then centred on the mean of the training set.
    The code of an input x is the top k of W x + b_e, and its reconstruction is Wᵀ z + b_d.

    Args:
        config: sizes and top-k rule.
        seed: of the initial weights, whose rows have unit length.

    Attributes:
        summary: how the training went; None for a model that `train_sae` did not make.
        origin: the data and the encoder it was trained on; None where that is unknown.
        source: the folder, or the Hub repository and commit, it was loaded from.

    Reference:
        Zhou et al., "Rethinking Representativeness and Diversity in Dynamic Data Selection",
        arXiv 2603.04981, appendix A.2. It gives neither the sizes nor the preprocessing. It
        ranks by magnitude, which spends part of the k on values that count for no score; we
        rank signed values unless told otherwise.
    """

    config: SparseAutoencoderConfig
    summary: TrainingSummary | None
    mean: Tensor

    def __init__(self, config: SparseAutoencoderConfig, seed: int = 0) -> None:
        super().__init__(config)
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randn(config.num_latents, config.input_dim, generator=generator)
        self.weight = nn.Parameter(F.normalize(rows, dim=1))
        self.encoder_bias = nn.Parameter(torch.zeros(config.num_latents))
        self.decoder_bias = nn.Parameter(torch.zeros(config.input_dim))
        self.register_buffer("mean", torch.zeros(config.input_dim))

    def standardize(self, features: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Returns the inputs of the encoder: features scaled to unit length, then centred."""
        scaled = F.normalize(features, dim=1) if self.config.normalize else features
        return scaled - self.mean

    @torch.no_grad()
    def pre_activations(
        self, inputs: Float[Tensor, "n d"], out: Float[Tensor, "n units"] | None = None
    ) -> Float[Tensor, "n units"]:
        """Returns what every unit answers to standardized inputs, before the top k.

        They carry no gradient: it flows through the kept units alone. A table to write them
        into, used again for each batch, saves allocating hundreds of MB.
        """
        return torch.addmm(self.encoder_bias, inputs, self.weight.T, out=out)

    def kept(
        self, inputs: Float[Tensor, "n d"], pre_activations: Float[Tensor, "n units"]
    ) -> SparseCodes:
        """Returns the sparse codes of standardized inputs, given their pre-activations."""
        indices = top_units(pre_activations, self.config.k, self.config.topk_mode)
        values: Tensor = KeptUnits.apply(
            inputs, self.weight, self.encoder_bias, pre_activations.gather(1, indices), indices
        )
        kept = SparseCodes(values, indices)
        return kept.rectified() if self.config.topk_mode == "relu" else kept

    @torch.no_grad()
    def codes(
        self, inputs: Float[Tensor, "n d"], table: Float[Tensor, "m units"], whole: bool = False
    ) -> SparseCodes:
        """Returns the sparse codes of standardized inputs, without a gradient.

        A CPU ranks what the units answer in pieces, while these are in its cache.

        Args:
            inputs: one row per item.
            table: to write the answers into; at least as many rows.
            whole: whether the table must hold those of all items afterwards.
        """
        size = self.piece() if table.device.type == "cpu" else len(inputs)
        values, indices = [], []
        for start, part in zip(range(0, len(inputs), size), torch.split(inputs, size), strict=True):
            place = start if whole else 0
            answers = self.pre_activations(part, out=table[place : place + len(part)])
            indices.append(top_units(answers, self.config.k, self.config.topk_mode))
            values.append(answers.gather(1, indices[-1]))
        found = SparseCodes(torch.cat(values), torch.cat(indices))
        return found.rectified() if self.config.topk_mode == "relu" else found

    def piece(self) -> int:
        """Returns how many items a CPU encodes at a time."""
        return max(1, CACHED // self.config.num_latents)

    def encode(self, features: Float[Tensor, "n d"]) -> SparseCodes:
        """Returns the sparse codes of features."""
        inputs = self.standardize(features)
        return self.kept(inputs, self.pre_activations(inputs))

    def decode(self, codes: SparseCodes) -> Float[Tensor, "n d"]:
        """Returns the standardized inputs that the codes stand for."""
        return weighted_rows(self.weight, codes.indices, codes.values) + self.decoder_bias

    def forward(self, features: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Returns the reconstruction of the standardized features."""
        return self.decode(self.encode(features))

    @classmethod
    def kind(cls) -> Kind:
        """Returns what saving and loading must know of the class."""
        return Kind(
            "a sparse autoencoder", SparseAutoencoderConfig, TrainingSummary, _shapes, _card
        )


def _shapes(config: SparseAutoencoderConfig) -> dict[str, tuple[int, ...]]:
    units, dim = config.num_latents, config.input_dim
    return {
        "weight": (units, dim),
        "encoder_bias": (units,),
        "decoder_bias": (dim,),
        "mean": (dim,),
    }


def _card(*facts: Any) -> str:
    from hf_dynsel.cards.sae import sae_card

    return sae_card(*facts)
