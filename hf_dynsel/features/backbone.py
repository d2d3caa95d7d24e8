"""The interface of a frozen encoder: how rows of a dataset become feature vectors."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from datasets import Dataset
from jaxtyping import Float
from torch import Tensor, nn


class Backbone(ABC):
    """What `extract` asks of an encoder.

    A subclass is final, and a dataclass: its init fields are what a recipe sets. Weights load
    when first needed, not on creation.

    Attributes:
        share_cut: the fraction of texts that are cut, known once `prepare` has run; None for
            encoders that cut nothing.
    """

    share_cut: float | None = None

    @property
    @abstractmethod
    def dim(self) -> int:
        """The length of a feature vector; known once `prepare` has run."""

    @property
    @abstractmethod
    def module(self) -> nn.Module:
        """The network, which the caller moves to a device and sets to eval mode."""

    @property
    @abstractmethod
    def collate(self) -> Callable[[list[dict[str, Any]]], dict[str, Tensor]]:
        """A function from rows of the view to model inputs.

        It is pickled into loader workers, so it holds no weights.
        """

    @abstractmethod
    def view(self, dataset: Dataset) -> Dataset:
        """Returns the rows as `collate` wants them: the columns it reads, in its format.

        Raises:
            ValueError: if the dataset lacks a column.
        """

    def prepare(self, dataset: Dataset) -> None:  # noqa: B027
        """Learns what must be known of the data before encoding. Not called on a cache hit."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Returns all that decides the features, as plain JSON values, without `prepare`.

        Two backbones of one identity give one dataset the same features.
        """

    @abstractmethod
    def encode(self, batch: dict[str, Tensor]) -> Float[Tensor, "b d"]:
        """Returns float32 features, one row per sample, whatever else is in the batch."""
