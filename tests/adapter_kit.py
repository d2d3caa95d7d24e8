"""A made-up pair of encoders, and data on which a good pair of adapters is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import ClassLabel, Dataset, Features, List, Value
from torch import Tensor, nn

from hf_dynsel.features import Backbone, ClassTexts
from hf_dynsel.features.columns import only_column
from hf_dynsel.provenance import record

SAMPLES = {"backbone": "Camera", "weights": "c0ffee", "preprocessing": {"input_size": [3, 8, 8]}}
TEXTS = {"backbone": "Reader", "weights": "f00d"}


def count_letters(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    return {"x": torch.tensor([[row["text"].count(c) for c in "abc"] for row in rows])}


@dataclass
class Letters(Backbone):
    """Encodes a text as how often a, b and c stand in it."""

    dim: int = 3
    module = nn.Identity()
    collate: Callable[[list[dict[str, Any]]], dict[str, Tensor]] = staticmethod(count_letters)

    def view(self, dataset: Dataset) -> Dataset:
        return only_column(dataset, "text")

    def identity(self) -> dict[str, Any]:
        return {"backbone": "Letters"}

    def encode(self, batch: dict[str, Tensor]) -> Tensor:
        return batch["x"].float()


def names(count: int) -> list[str]:
    return [f"kind {number}" for number in range(count)]


def table(features: Any, labels: Any, classes: int, **columns: Any) -> Dataset:
    """A dataset with a note on its features, as `extract` would leave it."""
    features = np.asarray(features, np.float32)
    kinds = {
        "features": List(Value("float32"), length=features.shape[1]),
        "label": ClassLabel(names=names(classes)),
        **{name: Value("int64") for name in columns},
    }
    values = {"features": features.tolist(), "label": list(labels), **columns}
    dataset = Dataset.from_dict(values, features=Features(kinds))
    note = {**SAMPLES, "column": "image", "dataset": "1", "rows": len(dataset), "version": "0"}
    return record(dataset, "features", note)


def texts(features: Any) -> ClassTexts:
    vectors = torch.nn.functional.normalize(torch.as_tensor(features, dtype=torch.float32), dim=1)
    called = tuple(names(len(vectors)))
    return ClassTexts(called, called, ("a photo of a {}.",), TEXTS, vectors)


def two_views(
    rows: int = 600, dims: tuple[int, int] = (24, 16), wrong: float = 0.2, seed: int = 0
) -> tuple[Dataset, ClassTexts]:
    """Five classes seen by two encoders, each through a random map of its own.

    A share `wrong` of the labels is of another class; `clean` holds the right ones.
    """
    rng = np.random.default_rng(seed)
    meaning = rng.standard_normal((5, 8))
    see, read = (rng.standard_normal((8, dim)) for dim in dims)
    clean = np.arange(rows) % 5
    shift = rng.integers(1, 5, rows) * (np.arange(rows) < wrong * rows)
    seen = (meaning[clean] + 0.5 * rng.standard_normal((rows, 8))) @ see
    order = rng.permutation(rows)
    noisy = (clean + shift) % 5
    return table(seen[order], noisy[order], 5, clean=clean[order].tolist()), texts(meaning @ read)


def is_wrong(dataset: Dataset) -> np.ndarray:
    return np.array(dataset["label"]) != np.array(dataset["clean"])
