"""The settings of a sparse autoencoder, and how its training went."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

TopKMode = Literal["relu", "abs", "signed"]
QUANTILES: Mapping[str, float] = MappingProxyType(
    {"min": 0.0, "5%": 0.05, "median": 0.5, "95%": 0.95, "max": 1.0}
)


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
        unit_frequency: the share of items that activate a unit: the lowest of all units, the
            quantile at 5 %, the median, the quantile at 95 %, and the highest.

    Raises:
        TypeError: if a value is no number.
        ValueError: if a value is negative, NaN or infinite, or a share is above 1.
    """

    num_items: int
    epochs: int
    steps: int
    seconds: float
    fvu: float
    l0: float
    dead_share: float
    unit_frequency: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for name in ("num_items", "epochs", "steps"):
            _check_number(name, getattr(self, name), int)
        for name in ("seconds", "fvu", "l0", "dead_share"):
            _check_number(name, getattr(self, name), int, float)
        if self.unit_frequency is not None:
            _check_frequency(self.unit_frequency)


def _check_frequency(shares: Mapping[str, float]) -> None:
    if not (isinstance(shares, Mapping) and list(shares) == list(QUANTILES)):
        raise TypeError(f"unit_frequency must have the keys {list(QUANTILES)}, got {shares!r}")
    for name, share in shares.items():
        _check_number(f"unit_frequency['{name}']", share, int, float)
        if share > 1:
            raise ValueError(f"unit_frequency['{name}'] must be at most 1, got {share}")


def _check_number(name: str, value: float, *kinds: type) -> None:
    if type(value) not in kinds:
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not 0 <= value < math.inf:  # also of an int too large for a float, and of NaN
        raise ValueError(f"{name} must be finite and at least 0, got {value}")
