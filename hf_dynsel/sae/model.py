"""The sparse autoencoder: tied weights, top-k codes, saved as a config and a safetensors file."""

from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from hf_dynsel import model_files
from hf_dynsel.sae.config import SparseAutoencoderConfig, TrainingSummary
from hf_dynsel.sae.sparse import KeptUnits, SparseCodes, top_units, weighted_rows

TRAINING = "training"


class SparseAutoencoder(nn.Module):
    """Describes each feature vector by a few of many learned units.

    Inputs are the features scaled to unit length, then centred on the mean of the training set.
    The code of an input x is the top k of W x + b_e, and its reconstruction is Wᵀ z + b_d.

    Args:
        config: sizes and top-k rule.
        seed: of the initial weights, whose rows have unit length.

    Attributes:
        summary: how the training went; None for a model that `train_sae` did not make.
        source: the folder, or the Hub repository and commit, it was loaded from.

    Reference:
        Zhou et al., "Rethinking Representativeness and Diversity in Dynamic Data Selection",
        arXiv 2603.04981, appendix A.2. It gives neither the sizes nor the preprocessing. It
        ranks by magnitude, which spends part of the k on values that count for no score; we
        rank signed values unless told otherwise.
    """

    mean: Tensor

    def __init__(self, config: SparseAutoencoderConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.summary: TrainingSummary | None = None
        self.source: str | None = None
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

    def fingerprint(self) -> str:
        """Returns a hash of the config and the weights, the same after saving and loading."""
        return model_files.fingerprint(self.config, self.state_dict())

    def save_pretrained(self, folder: str | Path) -> None:
        """Saves `config.json`, with the training summary, and `model.safetensors`."""
        training = asdict(self.summary) if self.summary else None
        settings = asdict(self.config) | {TRAINING: training}
        model_files.write(Path(folder), settings, self.state_dict())

    @classmethod
    def from_pretrained(cls, name: str | Path, revision: str | None = None) -> "SparseAutoencoder":
        """Returns a saved model, on the CPU, with every value checked before use.

        Args:
            name: a folder that `save_pretrained` wrote, or a repository on the Hub.
            revision: branch, tag or commit of the repository.

        Raises:
            ValueError: if a file is missing, damaged, or does not fit the other one.
        """
        folder, source = model_files.locate(name, "a sparse autoencoder", revision)
        path = folder / model_files.CONFIG_FILE
        settings = model_files.read_settings(path)
        training = settings.pop(TRAINING, None)
        config = model_files.build(SparseAutoencoderConfig, settings, path)
        tensors = model_files.read_tensors(folder / model_files.WEIGHTS_FILE, _shapes(config))
        model = cls(config)
        model.load_state_dict(tensors)
        if training is not None:
            model.summary = model_files.build(TrainingSummary, training, path)
        model.source = source
        return model


def _shapes(config: SparseAutoencoderConfig) -> dict[str, tuple[int, ...]]:
    units, dim = config.num_latents, config.input_dim
    return {
        "weight": (units, dim),
        "encoder_bias": (units,),
        "decoder_bias": (dim,),
        "mean": (dim,),
    }
