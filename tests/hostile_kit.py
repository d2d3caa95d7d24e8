"""Repositories that are broken or mean harm, made from valid ones; used by `hub/test_hostile*`.

A case is a change of the files of a valid repository, and what the refusal must say. A pickle in a
case makes a folder, the `marker`, when it is unpickled: a test looks that it is not there.
"""

import json
import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from datasets import ClassLabel, Dataset, Features, Value
from safetensors.torch import load, save

from adapter_kit import SAMPLES, TEXTS, names
from hf_dynsel.features import AdapterConfig, Adapters, AdapterSummary
from hf_dynsel.hub import HubError
from hf_dynsel.origin import Origin
from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig, TrainingSummary
from hf_dynsel.scores import Diversity, Representativeness, add_scores, load_scores, save_scores

CONFIG, WEIGHTS = "config.json", "model.safetensors"
Files = Mapping[str, bytes]
Change = Callable[[Files, Path], Files]
ORIGIN = Origin({"name": "Letters", "fingerprint": "f1", "rows": 9}, SAMPLES, "0.1.0")


@dataclass(frozen=True)
class Hostile:
    """A change of a valid repository, and what its refusal must say."""

    name: str
    change: Change
    message: str


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def evil_pickle(marker: Path) -> bytes:
    return pickle.dumps(Evil(marker))


def evil_checkpoint(marker: Path) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "pytorch_model.bin")
        torch.save({"weight": Evil(marker)}, path)
        return path.read_bytes()


def written(write: Callable[[Path], None]) -> Files:
    with TemporaryDirectory() as folder:
        write(Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@cache
def sae_files() -> Files:
    sae = SparseAutoencoder(SparseAutoencoderConfig(3, 6, 2), seed=3)
    sae.summary = TrainingSummary(9, 2, 4, 0.5, 0.25, 1.5, 0.0)
    sae.origin = ORIGIN
    return written(sae.save_pretrained)


@cache
def adapter_files() -> Files:
    called = {"classes": names(3), "words": names(3), "templates": ["a {}"]}
    encoders = {"sample_encoder": SAMPLES, "text_encoder": TEXTS}
    adapters = Adapters(AdapterConfig("linear", 7, 4, **called, **encoders))
    adapters.summary = AdapterSummary(9, 2, 4, 0.5, 1.25, 0.0625)
    adapters.origin = ORIGIN
    return written(adapters.save_pretrained)


@cache
def score_files() -> Files:
    """Scores of nine texts of two classes, two of three units active in each."""
    rng = np.random.default_rng(0)
    columns = {
        "text": [f"text {number}" for number in range(9)],
        "label": [0, 1, 0] * 3,
        "sae_indices": [sorted(rng.choice(3, 2, replace=False).tolist()) for _ in range(9)],
        "sae_values": rng.uniform(0.5, 1.0, (9, 2)).astype(np.float32).tolist(),
    }
    kinds = Features({"label": ClassLabel(names=["a", "b"]), "text": Value("string")})
    dataset = Dataset.from_dict(columns)
    dataset = dataset.cast_column("label", kinds["label"])
    scored = add_scores(dataset, [Representativeness(), Diversity()])
    return written(lambda folder: save_scores(scored, folder))


@dataclass(frozen=True)
class Loaded:
    """What is shared, how a valid repository of it looks, and how it is loaded."""

    repo_type: str
    files: Callable[[], Files]
    load: Callable[[str], Any]


KINDS = {
    "sae": Loaded("model", sae_files, SparseAutoencoder.from_pretrained),
    "adapters": Loaded("model", adapter_files, Adapters.from_pretrained),
    "scores": Loaded("dataset", score_files, load_scores),
}


def refusal(load_it: Callable[[], Any]) -> str:
    """Returns the text of the one error that refuses; anything but a plain refusal fails."""
    try:
        loaded = load_it()
    except (ValueError, HubError) as error:
        assert issubclass(type(error), HubError) or type(error) is ValueError, repr(error)
        return str(error)
    raise AssertionError(f"it was not refused: {loaded}")


def put(name: str, data: bytes | Callable[[Path], bytes]) -> Change:
    """A file in place of another."""
    return lambda files, marker: {**files, name: data(marker) if callable(data) else data}


def without(*gone: str) -> Change:
    return lambda files, _: {name: data for name, data in files.items() if name not in gone}


def edited(name: str, **changes: Any) -> Change:
    """A JSON file with other values; `...` removes a key."""

    def change(files: Files, _: Path) -> Files:
        values = json.loads(files[name]) | changes
        kept = {key: value for key, value in values.items() if value is not ...}
        return {**files, name: json.dumps(kept).encode()}

    return change


def rewritten(name: str, old: str, new: str) -> Change:
    """A JSON file with other text, for what `json.dumps` would not write."""

    def change(files: Files, _: Path) -> Files:
        text = files[name].decode()
        assert old in text
        return {**files, name: text.replace(old, new, 1).encode()}

    return change


def tensors(edit: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Change:
    """Weights with other tensors."""
    return lambda files, _: {**files, WEIGHTS: save(edit(load(files[WEIGHTS])))}


def first_tensor(edit: Callable[[torch.Tensor], torch.Tensor]) -> Change:
    def change(all_of_them: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        name = min(all_of_them, key=lambda n: (-all_of_them[n].ndim, n))
        return {**all_of_them, name: edit(all_of_them[name]).contiguous()}

    return tensors(change)


def header(edit: Callable[[dict[str, Any]], Any], tail: bytes = b"") -> Change:
    """Weights with another header, which is text or an object, and more bytes behind them."""

    def change(files: Files, _: Path) -> Files:
        data = files[WEIGHTS]
        size = int.from_bytes(data[:8], "little")
        new = edit(json.loads(data[8 : 8 + size]))
        text = new if isinstance(new, bytes) else json.dumps(new).encode()
        body = data[8 + size :] + tail
        return {**files, WEIGHTS: len(text).to_bytes(8, "little") + text + body}

    return change


def entry(**values: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Other values in the entry of the first tensor of a header."""

    def edit(found: dict[str, Any]) -> dict[str, Any]:
        name = next(name for name in found if name != "__metadata__")
        return {**found, name: {**found[name], **values}}

    return edit
