"""Pooled features of any timm image network."""

import json
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from jaxtyping import Float
from torch import Tensor, nn

from hf_dynsel import extras
from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.checkpoint import hash_weights, match_tensors
from hf_dynsel.features.columns import only_column
from hf_dynsel.features.frozen import device_of, frozen
from hf_dynsel.features.images import rgb_batch


@dataclass
class TimmImage(Backbone):
    """What the network gives its classifier, on images prepared as the architecture asks.

    Args:
        architecture: a name that `timm.create_model` knows, also `hf-hub:owner/name`.
        weights: a checkpoint file, .safetensors or .pth, also that of a run's model, whose
            tensors fit by name, or else in order; of grey images, too. None takes timm's
            pretrained weights.
        column: PIL images or 8-bit arrays; grey ones become RGB.
    """

    architecture: str
    weights: str | None = None
    column: str = "image"

    @cached_property
    def module(self) -> nn.Module:
        """The network without its classifier."""
        timm = extras.require("timm", "vision")
        if self.weights is not None and not Path(self.weights).is_file():
            raise ValueError(
                f"weights: there is no file '{self.weights}'; give a checkpoint file, or none "
                "for timm's pretrained weights"
            )
        with torch.random.fork_rng(devices=[]):  # timm draws initial weights
            network = timm.create_model(self.architecture, pretrained=self.weights is None)
        full = network.state_dict()
        network.reset_classifier(0)
        if self.weights is not None:
            saved = timm.models.load_state_dict(self.weights, weights_only=True)
            # The model of a run is the network inside the wrapper that transformers has for it.
            named = {name.removeprefix("timm_model."): value for name, value in saved.items()}
            tensors = {name: _for_rgb(value, full.get(name)) for name, value in named.items()}
            network.load_state_dict(match_tensors(tensors, full, network.state_dict()))
        encoder: nn.Module = network.float()
        return encoder

    @cached_property
    def dim(self) -> int:
        """The length of a feature vector, found with an empty image."""
        with frozen(self.module):
            size = self._data_config["input_size"]
            return int(self.module(torch.zeros(1, *size, device=device_of(self.module))).shape[1])

    @cached_property
    def collate(self) -> "partial[dict[str, Tensor]]":
        """A function from rows to images, prepared as in the network's evaluation."""
        create_transform = extras.require("timm.data", "vision").create_transform
        transform = create_transform(**self._data_config, is_training=False)
        return partial(rgb_batch, column=self.column, transform=transform)

    def view(self, dataset: Dataset) -> Dataset:
        """Returns the image column alone."""
        return only_column(dataset, self.column)

    def identity(self) -> dict[str, Any]:
        """Returns the architecture, a hash of the weights, and the image preparation."""
        return {
            "backbone": "TimmImage",
            "architecture": self.architecture,
            "weights": hash_weights(self.module),
            "column": self.column,
            "preprocessing": json.loads(json.dumps(self._data_config)),
        }

    def encode(self, batch: dict[str, Tensor]) -> Float[Tensor, "b d"]:
        """Returns pooled features."""
        features: Tensor = self.module(batch["pixel_values"])
        return features

    @property
    def _data_config(self) -> dict[str, Any]:
        resolve = extras.require("timm.data", "vision").resolve_model_data_config
        return dict(resolve(self.module))


def _for_rgb(saved: Tensor, wanted: Tensor | None) -> Tensor:
    """Returns weights of a first layer for grey images as weights that answer RGB ones alike."""
    if wanted is None or saved.dim() != 4 or (saved.shape[1], wanted.shape[1]) != (1, 3):
        return saved
    return saved.expand(-1, 3, -1, -1) / 3
