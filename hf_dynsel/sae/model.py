"""The sparse autoencoder: tied weights, top-k codes, saved as a config and a safetensors file."""

from typing import Any, final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from hf_dynsel.sae.config import SparseAutoencoderConfig, TrainingSummary
from hf_dynsel.sae.sparse import KeptUnits, SparseCodes, top_units, weighted_rows
from hf_dynsel.saved_models import Kind, SavedModel


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
        return self.codes(inputs, pre_activations.gather(1, indices), indices)

    def codes(
        self,
        inputs: Float[Tensor, "n d"],
        values: Float[Tensor, "n k"],
        indices: Int[Tensor, "n k"],
    ) -> SparseCodes:
        """Returns the sparse codes of standardized inputs, given the units kept and their answers.

        The gradient flows to the inputs and the weights as if the values were computed here.
        """
        values = KeptUnits.apply(inputs, self.weight, self.encoder_bias, values, indices)
        if self.config.topk_mode == "relu":
            values = values.relu()
        return SparseCodes(values, indices)

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
