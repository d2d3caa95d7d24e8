"""What a pair of adapters was made for, and how its training went."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from pydantic import TypeAdapter, ValidationError

Kind = Literal["linear", "mlp"]


@dataclass(frozen=True)
class AdapterConfig:
    """The shape of a pair of adapters, the classes, and the encoders between which they stand.

    Args:
        kind: of map, for samples and texts alike.
        sample_dim: dimension of the samples' features.
        text_dim: dimension of the texts' features, and of the space they come to share.
        classes: names, in the order of their numbers.
        words: what stands for each class in the templates.
        templates: sentences with one place for a class.
        sample_encoder: identity of the encoder of the samples.
        text_encoder: identity of the encoder of the texts.
        seed: of the initial weights and of the order of the samples.

    Raises:
        TypeError: if a value has another type.
        ValueError: if a value is out of range.
    """

    kind: Kind
    sample_dim: int
    text_dim: int
    classes: Sequence[str]
    words: Sequence[str]
    templates: Sequence[str]
    sample_encoder: Mapping[str, Any]
    text_encoder: Mapping[str, Any]
    seed: int = 0

    def __post_init__(self) -> None:
        _check_types(self)
        for name in ("classes", "words", "templates"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # a file holds lists
        for name in ("sample_dim", "text_dim"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.classes:
            raise ValueError("classes must not be empty")
        if len(self.words) != len(self.classes):
            raise ValueError(
                f"words must be one for each of the {len(self.classes)} classes, "
                f"got {len(self.words)}"
            )


@dataclass(frozen=True)
class AdapterSummary:
    """How a pair of adapters was trained.

    Args:
        num_items: samples in the training set.
        epochs: passes over them.
        steps: optimizer steps.
        seconds: wall time of the training, in seconds.
        loss: mean over the batches of the last pass.
        temperature: that the training arrived at.
        texts_cut: fraction of the class texts that were too long for their encoder.

    Raises:
        TypeError: if a value is no number.
        ValueError: if a value is negative, NaN or infinite.
    """

    num_items: int
    epochs: int
    steps: int
    seconds: float
    loss: float
    temperature: float
    texts_cut: float = 0.0

    def __post_init__(self) -> None:
        _check_types(self)
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value < math.inf:  # also of an int too large for a float, and of NaN
                raise ValueError(f"{field.name} must be finite and at least 0, got {value}")


def _check_types(record: AdapterConfig | AdapterSummary) -> None:
    """The values may come out of a file."""
    for field in fields(record):
        value, kind = getattr(record, field.name), cast(Any, field.type)
        try:
            TypeAdapter(kind).validate_python(value, strict=True)
        except ValidationError as wrong:
            problem = wrong.errors()[0]["msg"]
            raise TypeError(f"{field.name}: {problem}, got {value!r}") from wrong
