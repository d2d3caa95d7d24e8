"""Text embeddings of any open_clip model, after the projection that images share."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from jaxtyping import Bool, Float
from torch import Tensor, nn

from hf_dynsel import extras
from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.checkpoint import hash_weights
from hf_dynsel.features.columns import only_column
from hf_dynsel.features.frozen import device_of, frozen
from hf_dynsel.features.open_clip_image import OpenClipImage

logger = logging.getLogger(__name__)
SAMPLED_TEXTS = 4096
Tokenizer = Callable[..., Tensor]


def clip_token_batch(
    rows: list[dict[str, Any]], column: str, tokenizer: Tokenizer
) -> dict[str, Tensor]:
    """Returns the tokens of some rows, cut and padded to the model's context length."""
    return {"tokens": tokenizer([row[column] for row in rows])}


@dataclass
class OpenClipText(Backbone):
    """CLIP text embeddings, not normalised. Texts over the context length are cut.

    Args:
        architecture: a name that open_clip knows, also `hf-hub:owner/name`.
        pretrained: a tag of that architecture, or a checkpoint file.
        column: texts.

    Attributes:
        share_cut: the fraction of the texts that are cut, from up to 4096 evenly spaced rows;
            known once `prepare` has run.
    """

    architecture: str = "ViT-L-14"
    pretrained: str = "openai"
    column: str = "text"
    share_cut: float | None = field(default=None, init=False, compare=False)

    @cached_property
    def module(self) -> nn.Module:
        """The whole model, the same that `OpenClipImage` loads."""
        return OpenClipImage(self.architecture, self.pretrained).module

    @cached_property
    def dim(self) -> int:
        """The length of a feature vector, found with an empty text."""
        with frozen(self.module):
            tokens = self._tokenizer([""]).to(device_of(self.module))
            return self.encode({"tokens": tokens}).shape[1]

    @property
    def collate(self) -> "partial[dict[str, Tensor]]":
        """A function from rows to tokens."""
        return partial(clip_token_batch, column=self.column, tokenizer=self._tokenizer)

    def view(self, dataset: Dataset) -> Dataset:
        """Returns the text column alone."""
        return only_column(dataset, self.column)

    def prepare(self, dataset: Dataset) -> None:
        """Measures the share of texts that are cut, and logs it."""
        sample = np.unique(np.linspace(0, len(dataset) - 1, SAMPLED_TEXTS).round().astype(int))
        texts = self.view(dataset)[sample][self.column]
        self.share_cut = float(self._are_cut(texts).float().mean())
        if self.share_cut > 0:
            logger.warning(
                "%.1f %% of the texts are cut after %d tokens (measured on %d texts)",
                100 * self.share_cut,
                self._tokenizer.context_length,
                len(texts),
            )

    def identity(self) -> dict[str, Any]:
        """Returns the architecture, a hash of the weights, and where texts are cut."""
        return {
            "backbone": "OpenClipText",
            "architecture": self.architecture,
            "weights": hash_weights(self.module),
            "column": self.column,
            "context_length": self._tokenizer.context_length,
        }

    def encode(self, batch: dict[str, Tensor]) -> Float[Tensor, "b d"]:
        """Returns text embeddings."""
        model: Any = self.module
        features: Tensor = model.encode_text(batch["tokens"], normalize=False)
        return features

    def _are_cut(self, texts: list[str]) -> Bool[Tensor, " n"]:
        """Tokenizers cut without a word, so each text gets one token more: is it padding?"""
        length = self._tokenizer.context_length
        tokens, more = self._tokenizer(texts), self._tokenizer(texts, length + 1)
        padding = self._tokenizer([""], length + 1)[:, -1:].expand(len(texts), 1)
        # Both ends are compared: the end mark may be the padding, or there may be none.
        return torch.ne(more, torch.cat([tokens, padding], dim=1)).any(dim=1)

    @cached_property
    def _tokenizer(self) -> Any:
        return extras.require("open_clip", "clip").get_tokenizer(self.architecture)
