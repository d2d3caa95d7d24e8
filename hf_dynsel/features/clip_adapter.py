"""Adapters between two frozen encoders, saved as a config and a safetensors file."""

import math
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from hf_dynsel import model_files
from hf_dynsel.features import adapter
from hf_dynsel.features.adapter_config import AdapterConfig, AdapterSummary

START_TEMPERATURE = 0.07
LEAST_TEMPERATURE = 0.01
TRAINING = "training"


class Adapters(nn.Module):
    """Brings the features of samples and of class texts into one space, where cosines compare them.

    The space is that of the texts. Features are scaled to unit length before and after. Between
    encoders of one dimension, such as the towers of CLIP, untrained adapters change nothing.

    Args:
        config: shapes, classes and encoders.

    Attributes:
        class_texts: the text encoder's features of the classes.
        summary: how the training went; None for adapters that `train_adapters` did not make.
        source: the folder, or the Hub repository and commit, they were loaded from.

    Reference:
        Yang et al., "When Dynamic Data Selection Meets Data Augmentation", ICML 2025,
        arXiv 2505.03809: CLIP with fine-tuned adapters, trained for 15 epochs. Their shape and
        their loss are not published in what we could read. We take the shape from the authors'
        earlier CLIP selection, one linear map per modality that keeps the dimension; the biases
        and the MLP are ours.
    """

    class_texts: Tensor

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.summary: AdapterSummary | None = None
        self.source: str | None = None
        generator = torch.Generator().manual_seed(config.seed)
        dims = config.sample_dim, config.text_dim
        self.samples = adapter.Adapter(config.kind, *dims, generator)
        self.texts = adapter.Adapter(config.kind, dims[1], dims[1], generator)
        self.log_scale = nn.Parameter(torch.tensor(-math.log(START_TEMPERATURE)))
        self.register_buffer("class_texts", torch.zeros(len(config.classes), dims[1]))

    def adapt_samples(self, features: Float[Tensor, "n d_in"]) -> Float[Tensor, "n d"]:
        """Returns where samples lie in the shared space, at unit length."""
        return F.normalize(self.samples(F.normalize(features, dim=1)), dim=1)

    def adapt_classes(self) -> Float[Tensor, "classes d"]:
        """Returns where the texts of all classes lie in the shared space, at unit length."""
        return F.normalize(self.texts(F.normalize(self.class_texts, dim=1)), dim=1)

    def forward(self, features: Float[Tensor, "n d_in"]) -> Float[Tensor, "n classes"]:
        """Returns the cosine of every sample with the text of every class."""
        return self.adapt_samples(features) @ self.adapt_classes().T

    def fingerprint(self) -> str:
        """Returns a hash of the config and the weights, the same after saving and loading."""
        return model_files.fingerprint(self.config, self.state_dict())

    def save_pretrained(self, folder: str | Path) -> None:
        """Saves `config.json`, with the training summary, and `model.safetensors`."""
        training = asdict(self.summary) if self.summary else None
        settings = asdict(self.config) | {TRAINING: training}
        model_files.write(Path(folder), settings, self.state_dict())

    @classmethod
    def from_pretrained(cls, name: str | Path, revision: str | None = None) -> "Adapters":
        """Returns saved adapters, on the CPU, with every value checked before use.

        Args:
            name: a folder that `save_pretrained` wrote, or a repository on the Hub.
            revision: branch, tag or commit of the repository.

        Raises:
            ValueError: if a file is missing, damaged, or does not fit the other one.
        """
        folder, source = model_files.locate(name, "a pair of adapters", revision)
        path = folder / model_files.CONFIG_FILE
        settings = model_files.read_settings(path)
        training = settings.pop(TRAINING, None)
        config = model_files.build(AdapterConfig, settings, path)
        tensors = model_files.read_tensors(folder / model_files.WEIGHTS_FILE, _shapes(config))
        adapters = cls(config)
        adapters.load_state_dict(tensors)
        if training is not None:
            adapters.summary = model_files.build(AdapterSummary, training, path)
        adapters.source = source
        return adapters


def _shapes(config: AdapterConfig) -> dict[str, tuple[int, ...]]:
    shared = config.text_dim
    inner = {
        "samples": adapter.shapes(config.kind, config.sample_dim, shared),
        "texts": adapter.shapes(config.kind, shared, shared),
    }
    parts = {f"{part}.{n}": s for part, tensors in inner.items() for n, s in tensors.items()}
    return parts | {"log_scale": (), "class_texts": (len(config.classes), shared)}
