"""Image embeddings of any open_clip model, after the projection that texts share."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from datasets import Dataset
from jaxtyping import Float
from torch import Tensor, nn

from hf_dynsel import extras
from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.checkpoint import hash_weights
from hf_dynsel.features.columns import only_column
from hf_dynsel.features.frozen import device_of, frozen
from hf_dynsel.features.images import rgb_batch


@dataclass
class OpenClipImage(Backbone):
    """CLIP image embeddings, not normalised.

    Args:
        architecture: a name that open_clip knows, also `hf-hub:owner/name`.
        pretrained: a tag of that architecture, or a checkpoint file.
        column: PIL images or 8-bit arrays; grey ones become RGB.
    """

    architecture: str = "ViT-L-14"
    pretrained: str = "openai"
    column: str = "image"

    @property
    def module(self) -> nn.Module:
        """The whole model: only it knows what its image tower returns."""
        return self._loaded[0]

    @cached_property
    def dim(self) -> int:
        """The length of a feature vector, found with an empty image."""
        empty = self._transform(extras.require("PIL.Image", "clip").new("RGB", (8, 8)))
        with frozen(self.module):
            return self.encode({"pixel_values": empty[None].to(device_of(self.module))}).shape[1]

    @property
    def collate(self) -> "partial[dict[str, Tensor]]":
        """A function from rows to images, prepared as in the model's evaluation."""
        return partial(rgb_batch, column=self.column, transform=self._transform)

    def view(self, dataset: Dataset) -> Dataset:
        """Returns the image column alone."""
        return only_column(dataset, self.column)

    def identity(self) -> dict[str, Any]:
        """Returns the architecture, a hash of the weights, and the image preparation."""
        visual: Any = self.module.visual
        return {
            "backbone": "OpenClipImage",
            "architecture": self.architecture,
            "weights": hash_weights(self.module),
            "column": self.column,
            "preprocessing": json.loads(json.dumps(visual.preprocess_cfg)),
        }

    def encode(self, batch: dict[str, Tensor]) -> Float[Tensor, "b d"]:
        """Returns image embeddings."""
        model: Any = self.module
        features: Tensor = model.encode_image(batch["pixel_values"], normalize=False)
        return features

    @property
    def _transform(self) -> Callable[[Any], Tensor]:
        return self._loaded[1]

    @cached_property
    def _loaded(self) -> tuple[nn.Module, Callable[[Any], Tensor]]:
        open_clip = extras.require("open_clip", "clip")
        # Plain names such as ViT-L-14 mean GELU; some tags were trained with QuickGELU, and
        # open_clip only warns about the other activation.
        tag = open_clip.get_pretrained_cfg(self.architecture, self.pretrained)
        with torch.random.fork_rng(devices=[]):  # open_clip draws initial weights
            model, transform = open_clip.create_model_from_pretrained(
                self.architecture,
                self.pretrained,
                force_quick_gelu=tag.get("quick_gelu", False),
            )
        return model, transform
