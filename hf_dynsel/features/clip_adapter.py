"""Adapters between two frozen encoders, saved as a config and a safetensors file."""

import math
from typing import Any, final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from hf_dynsel.features import adapter
from hf_dynsel.features.adapter_config import AdapterConfig, AdapterSummary
from hf_dynsel.saved_models import Kind, SavedModel

START_TEMPERATURE = 0.07
LEAST_TEMPERATURE = 0.01


@final
class Adapters(SavedModel):
    """Brings the features of samples and of class texts into one space, where cosines compare them.

    The space is that of the texts. Features are scaled to unit length before and after. Between
    encoders of one dimension, such as the towers of CLIP, untrained adapters change nothing.

    Args:
        config: shapes, classes and encoders.

    Attributes:
        class_texts: the text encoder's features of the classes.
        summary: how the training went; None for adapters that `train_adapters` did not make.
        origin: the data and the encoder they were trained on; None where that is unknown.
        source: the folder, or the Hub repository and commit, they were loaded from.

    Reference:
        Yang et al., "When Dynamic Data Selection Meets Data Augmentation", ICML 2025,
        arXiv 2505.03809: CLIP with fine-tuned adapters, trained for 15 epochs. Their shape and
        their loss are not published in what we could read. We take the shape from the authors'
        earlier CLIP selection, one linear map per modality that keeps the dimension; the biases
        and the MLP are ours.
    """

    config: AdapterConfig
    summary: AdapterSummary | None
    class_texts: Tensor

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__(config)
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

    @classmethod
    def kind(cls) -> Kind:
        """Returns what saving and loading must know of the class."""
        return Kind("a pair of adapters", AdapterConfig, AdapterSummary, _shapes, _card)


def _shapes(config: AdapterConfig) -> dict[str, tuple[int, ...]]:
    shared = config.text_dim
    inner = {
        "samples": adapter.shapes(config.kind, config.sample_dim, shared),
        "texts": adapter.shapes(config.kind, shared, shared),
    }
    parts = {f"{part}.{n}": s for part, tensors in inner.items() for n, s in tensors.items()}
    return parts | {"log_scale": (), "class_texts": (len(config.classes), shared)}


def _card(*facts: Any) -> str:
    from hf_dynsel.cards.adapters import adapter_card

    return adapter_card(*facts)
