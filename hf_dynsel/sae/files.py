"""Reads and writes a sparse autoencoder's two files, checking all of them before use."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HFValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hf_dynsel.sae.config import SparseAutoencoderConfig, TrainingSummary

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
TRAINING = "training"
Record = TypeVar("Record", SparseAutoencoderConfig, TrainingSummary)


def write(
    folder: Path,
    config: SparseAutoencoderConfig,
    summary: TrainingSummary | None,
    tensors: Mapping[str, Tensor],
) -> None:
    """Writes `config.json` and `model.safetensors` into a folder, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = asdict(config) | {TRAINING: asdict(summary) if summary else None}
    (folder / CONFIG_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    plain = {name: t.detach().cpu().float().contiguous() for name, t in tensors.items()}
    save_file(plain, folder / WEIGHTS_FILE, metadata={"format": "pt"})


def locate(name: str | Path, revision: str | None = None) -> tuple[Path, str]:
    """Returns the folder that holds both files, and what to call their source.

    A folder is taken as it is. Any other name is a repository on the Hub, of which only the two
    files are downloaded; its source names the commit.

    Raises:
        ValueError: if a file is missing from the folder, or the name can be neither.
    """
    folder = Path(name)
    if folder.is_dir():
        for file in (CONFIG_FILE, WEIGHTS_FILE):
            if not (folder / file).is_file():
                raise ValueError(
                    f"'{folder}' has no {file}; a sparse autoencoder is saved as {CONFIG_FILE} "
                    f"and {WEIGHTS_FILE}, which save_pretrained writes"
                )
        return folder, str(folder)
    try:
        paths = [
            Path(hf_hub_download(str(name), file, revision=revision))
            for file in (CONFIG_FILE, WEIGHTS_FILE)
        ]
    except HFValidationError as invalid:
        raise ValueError(
            f"'{name}' is neither a folder here nor the id of a repository on the Hub, "
            "such as 'user/name'"
        ) from invalid
    return paths[0].parent, f"{name}@{paths[0].parent.name}"


def read_config(path: Path) -> tuple[SparseAutoencoderConfig, TrainingSummary | None]:
    """Returns the settings and the training summary of a `config.json`.

    Raises:
        ValueError: if it is not the config of a sparse autoencoder; names the key at fault.
    """
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as broken:
        raise ValueError(f"{path} is not JSON ({broken}); save or download it again") from broken
    if not isinstance(settings, dict):
        raise ValueError(f"{path} must hold one JSON object, got a {type(settings).__name__}")
    training = settings.pop(TRAINING, None)
    config = _build(SparseAutoencoderConfig, settings, path)
    return config, None if training is None else _build(TrainingSummary, training, path)


def read_tensors(path: Path, config: SparseAutoencoderConfig) -> dict[str, Tensor]:
    """Returns the tensors of a `model.safetensors`, which must be those the config asks for.

    Raises:
        ValueError: if the file is damaged, or a tensor's name, shape, type or values are wrong.
    """
    expected = _shapes(config)
    try:
        with safe_open(path, framework="pt") as file:
            if set(file.keys()) != set(expected):
                raise ValueError(
                    f"{path} holds the tensors {sorted(file.keys())}, "
                    f"but a sparse autoencoder has {sorted(expected)}"
                )
            for name, shape in expected.items():
                stored = file.get_slice(name)
                _check("type", stored.get_dtype(), "F32", name, path)
                _check("shape", tuple(stored.get_shape()), shape, name, path)
            tensors = {name: file.get_tensor(name) for name in expected}
    except SafetensorError as broken:
        raise ValueError(
            f"{path} is damaged or not a safetensors file ({broken}); save or download it again"
        ) from broken
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"tensor '{name}' of {path} holds NaN or an infinity; train it again")
    return tensors


def _shapes(config: SparseAutoencoderConfig) -> dict[str, tuple[int, ...]]:
    units, dim = config.num_latents, config.input_dim
    return {
        "weight": (units, dim),
        "encoder_bias": (units,),
        "decoder_bias": (dim,),
        "mean": (dim,),
    }


def _check(what: str, stored: Any, expected: Any, name: str, path: Path) -> None:
    if stored != expected:
        raise ValueError(
            f"tensor '{name}' of {path} has {what} {stored}, but its {CONFIG_FILE} asks for "
            f"{expected}: the two files do not belong together"
        )


def _build(kind: type[Record], values: Any, path: Path) -> Record:
    if not isinstance(values, dict):
        raise ValueError(f"'{TRAINING}' of {path} must be an object or null, got {values!r}")
    known = {field.name for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    if unknown := sorted(values.keys() - known):
        raise ValueError(f"{path} has unknown keys {unknown}; known are {sorted(known)}")
    if missing := sorted(needed - values.keys()):
        raise ValueError(f"{path} lacks the keys {missing}; save or download it again")
    try:
        return kind(**values)
    except (TypeError, ValueError) as wrong:
        raise ValueError(f"{path}: {wrong}") from wrong
