"""Mean-pooled token states of any transformers text encoder."""

import hashlib
import json
import logging
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.checkpoint import hash_weights
from hf_dynsel.features.columns import only_column

logger = logging.getLogger(__name__)
SAMPLED_TEXTS = 4096


def token_batch(
    rows: list[dict[str, Any]], column: str, tokenizer: Any, max_length: int
) -> dict[str, Tensor]:
    """Returns the tokens of some rows, cut at `max_length` and padded to the longest."""
    texts = [row[column] for row in rows]
    return dict(
        tokenizer(texts, padding=True, truncation=True, max_length=max_length, return_tensors="pt")
    )


def mean_pool(states: Float[Tensor, "b t d"], mask: Int[Tensor, "b t"]) -> Float[Tensor, "b d"]:
    """Returns the mean state of the tokens where the mask is one."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


@dataclass
class TransformersText(Backbone):
    """The mean of the last hidden states over the tokens of a text, padding left out.

    Args:
        model: a Hub name or a local folder.
        column: texts.
        max_length: tokens after which a text is cut, special tokens included.
        revision: branch, tag or commit of the model on the Hub.

    Attributes:
        share_cut: the fraction of the texts that are cut, from up to 4096 evenly spaced rows;
            known once `prepare` has run.
    """

    model: str
    column: str = "text"
    max_length: int = 256
    revision: str | None = None
    share_cut: float | None = field(default=None, init=False, compare=False)

    @property
    def module(self) -> nn.Module:
        """The encoder without a task head."""
        encoder: nn.Module = self._loaded[0]
        return encoder

    @property
    def dim(self) -> int:
        """The length of a feature vector."""
        return int(self._loaded[0].config.hidden_size)

    @property
    def collate(self) -> "partial[dict[str, Tensor]]":
        """A function from rows to padded tokens."""
        return partial(
            token_batch,
            column=self.column,
            tokenizer=self._tokenizer,
            max_length=self.max_length,
        )

    def view(self, dataset: Dataset) -> Dataset:
        """Returns the text column alone."""
        return only_column(dataset, self.column)

    def prepare(self, dataset: Dataset) -> None:
        """Measures the share of texts that are cut, and logs it."""
        sample = np.unique(np.linspace(0, len(dataset) - 1, SAMPLED_TEXTS).round().astype(int))
        texts = self.view(dataset)[sample][self.column]
        tokens = self._tokenizer(texts, truncation=True, max_length=self.max_length + 1)
        lengths = np.array([len(ids) for ids in tokens["input_ids"]])
        self.share_cut = float((lengths > self.max_length).mean())
        if self.share_cut > 0:
            logger.warning(
                "%.1f %% of the texts are cut after %d tokens (measured on %d texts)",
                100 * self.share_cut,
                self.max_length,
                len(texts),
            )

    def identity(self) -> dict[str, Any]:
        """Returns the model, hashes of its weights and its vocabulary, and where texts are cut."""
        local = Path(self.model).is_dir()  # the path to a folder says nothing about the model
        vocabulary = sorted(self._tokenizer.get_vocab().items())
        return {
            "backbone": "TransformersText",
            "model": Path(self.model).name if local else self.model,
            "revision": self.revision,
            "weights": hash_weights(self.module, skip=self._loaded[1]),
            "vocabulary": hashlib.sha256(json.dumps(vocabulary).encode()).hexdigest()[:32],
            "column": self.column,
            "max_length": self.max_length,
            "pooling": "mean",
        }

    def encode(self, batch: dict[str, Tensor]) -> Float[Tensor, "b d"]:
        """Returns the mean states of the batch's texts."""
        states = self.module(**batch).last_hidden_state
        return mean_pool(states, batch["attention_mask"])

    @cached_property
    def _loaded(self) -> tuple[Any, set[str]]:
        """The encoder, and the names of its tensors that are not used and not in the checkpoint."""
        with torch.random.fork_rng(devices=[]):  # transformers draws the weights that lack
            model, report = AutoModel.from_pretrained(
                self.model, revision=self.revision, dtype=torch.float32, output_loading_info=True
            )
        lacking = set(report["missing_keys"])
        pooler = {name for name in lacking if name.startswith("pooler.")}
        if lacking != pooler:
            raise ValueError(
                f"the weights of '{self.model}' lack {', '.join(sorted(lacking - pooler)[:3])}, "
                "which would be random; give a checkpoint of this architecture"
            )
        return model, pooler

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizer = AutoTokenizer.from_pretrained(
            self.model, revision=self.revision, padding_side="right"
        )
        if self.max_length > tokenizer.model_max_length:
            raise ValueError(
                f"max_length={self.max_length} exceeds the {tokenizer.model_max_length} tokens "
                f"that '{self.model}' was made for; lower it"
            )
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token  # masked, so which one does not matter
        return tokenizer
