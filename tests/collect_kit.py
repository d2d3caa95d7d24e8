"""Trainings from which scores are collected, for the tests of collecting."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset

from conftest import rows
from hf_dynsel.collect import CollectScores
from hf_dynsel.scores.aum import AUM
from hf_dynsel.scores.density import Density
from hf_dynsel.scores.el2n import EL2N
from hf_dynsel.scores.entropy import Entropy
from hf_dynsel.scores.forgetting import Forgetting
from hf_dynsel.scores.grand import GraNd
from hf_dynsel.scores.margin import Margin
from hf_dynsel.scores.moso import MoSo
from hf_dynsel.scores.tdds import TDDS
from hf_dynsel.selectors import FullData
from sweep_kit import Deep
from trainer_kit import RecordingTrainer, build

EPOCHS = 4


def every_score() -> list[Any]:
    return [
        EL2N(epochs=(1, 2), normalize=None),
        GraNd(epochs=(2,), exact=True, normalize=None),
        Forgetting(normalize=None),
        Entropy(normalize=None),
        Margin(normalize=None),
        AUM(normalize=None),
        MoSo(checkpoints=2, normalize=None),
        TDDS(window=3, normalize=None),
        Density(neighbors=3, normalize=None),
    ]


class Witness(Deep):
    """Notes what it predicts in training: the sample and its logits."""

    def __init__(self) -> None:
        super().__init__()
        self.presented: list[tuple[torch.Tensor, torch.Tensor]] = []

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, Any]:
        outputs = super().forward(x, labels)
        if self.training:
            self.presented.append((x.detach().clone(), outputs["logits"].detach().clone()))
        return outputs


def trainer_of(folder: Path, collect: CollectScores | None, **changes: Any) -> Any:
    """A trainer on 26 rows in batches of four, of which the last is short."""
    settings = {"num_train_epochs": EPOCHS, "cls": RecordingTrainer, "model": Deep(), "rows": 26}
    callbacks = [] if collect is None else [collect]
    selector = changes.pop("selector", None) or FullData()
    return build(folder, selector, callbacks=callbacks, **(settings | changes))


def columns(dataset: Dataset) -> dict[str, np.ndarray]:
    """The columns that collecting added."""
    names = [n for n in dataset.column_names if n.startswith(("score_", "proxy_"))]
    return {name: np.asarray(dataset.with_format("numpy")[:][name]) for name in names}


def require_same(found: Dataset, expected: Dataset, **tolerance: float) -> None:
    own, other = columns(found), columns(expected)
    assert own.keys() == other.keys() and own
    for name, values in own.items():
        np.testing.assert_allclose(values, other[name], err_msg=name, **tolerance)


def labelled(count: int) -> Dataset:
    """The table of the drivers' tests, its class column called as scores expect it."""
    data = rows(count)
    return Dataset.from_dict({"x": data["x"], "label": data["labels"]}).with_format("torch")
