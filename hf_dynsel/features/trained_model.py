"""Penultimate features of a classifier that is being trained, or has been."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from datasets import Dataset
from datasets.fingerprint import Hasher
from jaxtyping import Float
from torch import Tensor, nn

from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.checkpoint import hash_weights
from hf_dynsel.features.frozen import device_of, frozen
from hf_dynsel.features.head import head_inputs


@dataclass
class TrainedModel(Backbone):
    """What the classifier head of a model receives.

    The head is the last `nn.Linear` that a forward pass runs, so that timm models, the timm
    wrapper and the classifiers of transformers need no setting.

    Args:
        model: not compiled and not wrapped for several devices.
        collate_fn: turns rows into the arguments of `model`, like a Trainer's data collator.
            Deterministic: without augmentation.
        columns: those that `collate_fn` gets. None gives it the rows as the dataset formats
            them, transforms included.
    """

    model: nn.Module
    collate_fn: Callable[[list[dict[str, Any]]], dict[str, Tensor]]
    columns: list[str] | None = None
    width: int = field(default=0, init=False, repr=False, compare=False)

    @property
    def dim(self) -> int:
        """The length of a feature vector; zero before `prepare`."""
        return self.width

    @property
    def module(self) -> nn.Module:
        """The model itself."""
        return self.model

    @property
    def collate(self) -> Callable[[list[dict[str, Any]]], dict[str, Tensor]]:
        """The collate function."""
        return self.collate_fn

    def view(self, dataset: Dataset) -> Dataset:
        """Returns the columns that the collate function gets, in the dataset's format."""
        return dataset if self.columns is None else dataset.select_columns(self.columns)

    def prepare(self, dataset: Dataset) -> None:
        """Finds the length of a feature vector on the first row."""
        batch = self.collate_fn(self.view(dataset).__getitems__([0]))
        with frozen(self.model):
            features = self.encode(
                {name: value.to(device_of(self.model)) for name, value in batch.items()}
            )
        self.width = features.shape[1]

    def identity(self) -> dict[str, Any]:
        """Returns the model's class, a hash of its present weights, and one of the collator."""
        return {
            "backbone": "TrainedModel",
            "model": type(self.model).__name__,
            "weights": hash_weights(self.model),
            "columns": self.columns,
            "collate_fn": Hasher.hash(self.collate_fn),
        }

    def encode(self, batch: dict[str, Tensor]) -> Float[Tensor, "b d"]:
        """Returns what the classifier head receives.

        Raises:
            ValueError: if the model has no linear head, or one that sees more than one vector
                per sample.
        """
        with head_inputs(self.model) as features:
            self.model(**batch)
        return features()
