"""Writes and reads sparse autoencoders in the layout of SAELens."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from hf_dynsel import model_files
from hf_dynsel.json_files import read_object
from hf_dynsel.model_location import find
from hf_dynsel.sae.config import SparseAutoencoderConfig
from hf_dynsel.sae.model import SparseAutoencoder
from hf_dynsel.sae.untied import Untied, tie, untie

FILES = model_files.Files("cfg.json", "sae_weights.safetensors")
LAYOUT = "6.54.12"  # the release that the layout was checked with
UNIT_LENGTH = "constant_norm_rescale"


@dataclass(frozen=True)
class SAELensConfig:
    """What a `cfg.json` of SAELens says; the defaults are its own.

    Raises:
        ValueError: if it describes a model that ours cannot hold.
    """

    architecture: str
    d_in: int
    d_sae: int
    k: int
    dtype: str = "float32"
    device: str = "cpu"
    apply_b_dec_to_input: bool = True
    normalize_activations: str = "none"
    reshape_activations: str = "none"
    rescale_acts_by_decoder_norm: bool = False
    metadata: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        allowed: dict[str, tuple[Any, ...]] = {
            "architecture": ("topk",),
            "dtype": ("float32",),
            "apply_b_dec_to_input": (True, False),
            "normalize_activations": ("none", UNIT_LENGTH),
            "reshape_activations": ("none",),
            "rescale_acts_by_decoder_norm": (True, False),
        }
        model_files.check_choices(self, allowed)
        self.ours()

    def ours(self) -> SparseAutoencoderConfig:
        """Returns the settings of our model."""
        normalize = self.normalize_activations == UNIT_LENGTH
        return SparseAutoencoderConfig(self.d_in, self.d_sae, self.k, "relu", normalize)


def save_saelens(sae: SparseAutoencoder, folder: str | Path) -> None:
    """Saves a model so that `sae_lens.SAE.load_from_disk` gives the same codes.

    Its inputs are the features as they are: SAELens does the scaling to unit length, and undoes it
    after the decoder, so that it reconstructs the features where we reconstruct the standardized
    ones. Only a feature vector of zeros, which it divides by its length, gives NaN there. Which of
    two units that tie for the last place is kept, it leaves open.

    Args:
        sae: of topk_mode "relu"; it is written in float32.
        folder: gets `cfg.json` and `sae_weights.safetensors`.

    Raises:
        ValueError: if the model keeps negative values.

    Reference:
        decoderesearch/SAELens @ bd29287b0d3e, `saes/topk_sae.py`, and @ 2ad7a455a481,
        `saes/sae.py`; run against release 6.54.12.
    """
    config = sae.config
    settings = {
        "architecture": "topk",
        "d_in": config.input_dim,
        "d_sae": config.num_latents,
        "k": config.k,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": UNIT_LENGTH if config.normalize else "none",
        "reshape_activations": "none",
        "rescale_acts_by_decoder_norm": False,
        # Without this version it takes the file for one of its older layouts.
        "metadata": {"sae_lens_version": LAYOUT, "hf_dynsel_fingerprint": sae.fingerprint()},
    }
    form = untie(sae).for_inputs_times(_length(config))
    tensors = {
        "W_enc": form.encoder.T,
        "b_enc": form.encoder_bias,
        "W_dec": form.decoder,
        "b_dec": form.bias,
    }
    model_files.write(Path(folder), settings, tensors, FILES)


def load_saelens(
    name: str | Path, *, subfolder: str = "", revision: str | None = None
) -> SparseAutoencoder:
    """Returns a SAELens model as one of ours, with the same codes; every value is checked first.

    It must be a top-k autoencoder in float32 whose decoder is the transpose of its encoder, of
    the layout of SAELens 6. The bias that it subtracts becomes our mean. How it was trained is
    not read.

    Args:
        name: a folder, or a repository on the Hub.
        subfolder: of the folder or repository, where it holds several models.
        revision: branch, tag or commit of the repository.

    Raises:
        ValueError: if a file is missing or damaged, or describes a model that ours cannot hold.
        OSError: if the Hub refuses the repository or cannot be reached.

    Reference:
        decoderesearch/SAELens @ bd29287b0d3e, `saes/topk_sae.py`, and @ 2ad7a455a481,
        `saes/sae.py`; run against release 6.54.12.
    """
    found = find(name, FILES.inside(subfolder), "a SAELens autoencoder", revision)
    theirs = model_files.build(SAELensConfig, read_object(found.config), found.config)
    ours = theirs.ours()
    units, dim = ours.num_latents, ours.input_dim
    shapes = {"W_enc": (dim, units), "b_enc": (units,), "W_dec": (units, dim), "b_dec": (dim,)}
    path = found.weights(shapes)
    form = _form(model_files.read_tensors(path, shapes), theirs)
    sae = tie(form.for_inputs_times(1 / _length(ours)), ours.k, ours.normalize, path)
    sae.source = found.source
    return sae


def _length(config: SparseAutoencoderConfig) -> float:
    """Returns how long SAELens makes its inputs, relative to ours: sqrt(d_in), if it does."""
    return math.sqrt(config.input_dim) if config.normalize else 1.0


def _form(tensors: Mapping[str, Tensor], config: SAELensConfig) -> Untied:
    encoder, decoder = tensors["W_enc"].T.contiguous(), tensors["W_dec"]
    encoder_bias, bias = tensors["b_enc"], tensors["b_dec"]
    if config.rescale_acts_by_decoder_norm:
        norms = decoder.norm(dim=1)
        encoder, encoder_bias = encoder * norms[:, None], encoder_bias * norms
        decoder = decoder / norms[:, None]
    if not config.apply_b_dec_to_input:
        encoder_bias = encoder_bias + encoder @ bias
    return Untied(encoder, encoder_bias, decoder, bias)
