"""The settings of a sparse autoencoder, and how its training went."""

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

TopKMode = Literal["relu", "abs", "signed"]


@dataclass(frozen=True)
class SparseAutoencoderConfig:
    """The shape of a sparse autoencoder and the rule by which it picks its units.

    Args:
        input_dim: dimension of the features.
        num_latents: number of units.
        k: units kept per item.
        topk_mode: "relu" keeps the largest pre-activations and sets negative ones to zero;
            "signed" keeps the largest as they are; "abs" ranks by magnitude.
        normalize: whether features are scaled to unit length before they are centred.

    Raises:
        TypeError: if a value has another type.
        ValueError: if a value is out of range.
    """

    input_dim: int
    num_latents: int
    k: int
    topk_mode: TopKMode = "relu"
    normalize: bool = True

    def __post_init__(self) -> None:
        for name in ("input_dim", "num_latents", "k"):
            value = getattr(self, name)
            if type(value) is not int:
                raise TypeError(f"{name} must be an int, got {value!r}")
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if type(self.normalize) is not bool:
            raise TypeError(f"normalize must be true or false, got {self.normalize!r}")
        if self.topk_mode not in get_args(TopKMode):
            raise ValueError(
                f"topk_mode must be one of {get_args(TopKMode)}, got {self.topk_mode!r}"
            )
        if self.k > self.num_latents:
            raise ValueError(
                f"k is {self.k}, but there are only {self.num_latents} units: "
                "lower k or raise the expansion"
            )


@dataclass(frozen=True)
class TrainingSummary:
    """How a sparse autoencoder was trained, measured on all items with the final weights.

    Args:
        num_items: items in the training set.
        epochs: passes over them.
        steps: optimizer steps.
        seconds: wall time of the training, in seconds.
        fvu: share of the variance that the reconstruction leaves unexplained.
        l0: mean number of active units per item.
        dead_share: share of units that no item activates.

    Raises:
        TypeError: if a value is no number.
        ValueError: if a value is negative, NaN or infinite.
    """

    num_items: int
    epochs: int
    steps: int
    seconds: float
    fvu: float
    l0: float
    dead_share: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) not in (int, field.type):
                raise TypeError(f"{field.name} must be a number, got {value!r}")
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{field.name} must be finite and at least 0, got {value}")
