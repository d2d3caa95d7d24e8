"""The sparse autoencoder in the form of other libraries: an untied decoder, one shared bias."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from hf_dynsel.sae.config import SparseAutoencoderConfig
from hf_dynsel.sae.model import SparseAutoencoder

TIED_WITHIN = 1e-5


@dataclass(frozen=True)
class Untied:
    """Weights of a model with code z = relu(top k of E (x - b) + e) and reconstruction Dᵀ z + b.

    Args:
        encoder: E, one row per unit.
        encoder_bias: e.
        decoder: D, one row per unit.
        bias: b.
    """

    encoder: Float[Tensor, "units d"]
    encoder_bias: Float[Tensor, " units"]
    decoder: Float[Tensor, "units d"]
    bias: Float[Tensor, " d"]

    def for_inputs_times(self, factor: float) -> "Untied":
        """Returns a model whose codes are the same on inputs that are so many times as long.

        Its reconstructions are as many times as long.
        """
        return Untied(
            self.encoder / factor, self.encoder_bias, self.decoder * factor, self.bias * factor
        )


@torch.no_grad()
def untie(sae: SparseAutoencoder) -> Untied:
    """Returns the same function as another library would hold it.

    On x, scaled to unit length if the model does that, both give the same codes z. Ours
    reconstructs x - mean as Wᵀ z + b_d; the untied form reconstructs x, with b = mean + b_d and
    e = b_e + W b_d.

    Raises:
        ValueError: if the model keeps negative values, which other libraries set to zero.
    """
    if sae.config.topk_mode != "relu":
        raise ValueError(
            f"topk_mode is '{sae.config.topk_mode}', which keeps negative values; SAELens and "
            "sparsify set them to zero, so only a model of topk_mode 'relu' can be exported"
        )
    shift = sae.weight.double() @ sae.decoder_bias.double()
    return Untied(
        encoder=sae.weight.detach().clone(),
        encoder_bias=(sae.encoder_bias.double() + shift).to(sae.weight.dtype),
        decoder=sae.weight.detach().clone(),
        bias=sae.mean + sae.decoder_bias.detach(),
    )


@torch.no_grad()
def tie(form: Untied, k: int, normalize: bool, path: Path) -> SparseAutoencoder:
    """Returns our model of the same function; the bias becomes its mean.

    Args:
        form: on inputs of unit length if they are to be scaled.
        k: units kept per item.
        normalize: whether inputs are scaled to unit length.
        path: of the weights, for messages.

    Raises:
        ValueError: if the decoder differs from the encoder by more than 1e-5 of its largest
            weight; says by how much.
    """
    largest = form.encoder.abs().max().item()
    if not (gap := (form.encoder - form.decoder).abs().max().item()) <= TIED_WITHIN * largest:
        raise ValueError(
            f"the decoder of {path} is not the transpose of its encoder: they differ by up to "
            f"{gap:.3g} where the largest weight is {largest:.3g}, and at most {TIED_WITHIN:g} of "
            "that is allowed. Our decoder is tied to the encoder, so this model cannot be held; "
            "train one with train_sae"
        )
    units, dim = form.encoder.shape
    sae = SparseAutoencoder(SparseAutoencoderConfig(dim, units, k, "relu", normalize))
    sae.to(form.encoder.dtype)
    sae.weight.copy_(form.encoder)
    sae.encoder_bias.copy_(form.encoder_bias)
    sae.mean.copy_(form.bias)
    return sae
