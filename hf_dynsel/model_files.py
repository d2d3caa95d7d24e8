"""Reads and writes the two files of a saved model, checking all that is in them before use."""

import hashlib
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

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
Record = TypeVar("Record")


def fingerprint(config: Any, tensors: Mapping[str, Tensor]) -> str:
    """Returns a hash of a config and of weights, the same after saving and loading.

    Args:
        config: a dataclass.
        tensors: by name.
    """
    digest = hashlib.sha256(json.dumps(asdict(config), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode() + tensor.cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


def write(folder: Path, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Writes `config.json` and `model.safetensors` into a folder, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
    (folder / CONFIG_FILE).write_text(text, encoding="utf-8")
    plain = {name: t.detach().cpu().float().contiguous() for name, t in tensors.items()}
    save_file(plain, folder / WEIGHTS_FILE, metadata={"format": "pt"})


def locate(name: str | Path, what: str, revision: str | None = None) -> tuple[Path, str]:
    """Returns the folder that holds both files, and what to call their source.

    A folder is taken as it is. Any other name is a repository on the Hub, of which only the two
    files are downloaded; its source names the commit.

    Args:
        name: the folder or the repository.
        what: the kind of model, for messages.
        revision: branch, tag or commit of the repository.

    Raises:
        ValueError: if a file is missing from the folder, or the name can be neither.
    """
    folder = Path(name)
    if folder.is_dir():
        for file in (CONFIG_FILE, WEIGHTS_FILE):
            if not (folder / file).is_file():
                raise ValueError(
                    f"'{folder}' has no {file}; {what} is saved as {CONFIG_FILE} and "
                    f"{WEIGHTS_FILE}, which save_pretrained writes"
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


def read_settings(path: Path) -> dict[str, Any]:
    """Returns the content of a `config.json`.

    Raises:
        ValueError: if it is not one JSON object.
    """
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as broken:
        raise ValueError(f"{path} is not JSON ({broken}); save or download it again") from broken
    if not isinstance(settings, dict):
        raise ValueError(f"{path} must hold one JSON object, got a {type(settings).__name__}")
    return settings


def build(kind: type[Record], values: Any, path: Path) -> Record:
    """Returns a dataclass with the values of a `config.json`, or of an object inside it.

    Raises:
        ValueError: if a key is unknown or missing, or a value is refused; names the key at fault.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{path} must hold an object for {kind.__name__}, got {values!r}")
    parameters: Any = kind
    known = {field.name for field in fields(parameters)}
    needed = {field.name for field in fields(parameters) if field.default is MISSING}
    if unknown := sorted(values.keys() - known):
        raise ValueError(f"{path} has unknown keys {unknown}; known are {sorted(known)}")
    if missing := sorted(needed - values.keys()):
        raise ValueError(f"{path} lacks the keys {missing}; save or download it again")
    try:
        return kind(**values)
    except (TypeError, ValueError) as wrong:
        raise ValueError(f"{path}: {wrong}") from wrong


def read_tensors(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Returns the tensors of a `model.safetensors`, which must have the names and shapes given.

    Raises:
        ValueError: if the file is damaged, or a tensor's name, shape, type or values are wrong.
    """
    try:
        with safe_open(path, framework="pt") as file:
            if set(file.keys()) != set(shapes):
                raise ValueError(
                    f"{path} holds the tensors {sorted(file.keys())}, "
                    f"but its {CONFIG_FILE} asks for {sorted(shapes)}: it is of another model"
                )
            for name, shape in shapes.items():
                stored = file.get_slice(name)
                _check("type", stored.get_dtype(), "F32", name, path)
                _check("shape", tuple(stored.get_shape()), shape, name, path)
            tensors = {name: file.get_tensor(name) for name in shapes}
    except SafetensorError as broken:
        raise ValueError(
            f"{path} is damaged or not a safetensors file ({broken}); save or download it again"
        ) from broken
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"tensor '{name}' of {path} holds NaN or an infinity; train it again")
    return tensors


def _check(what: str, stored: Any, expected: Any, name: str, path: Path) -> None:
    if stored != expected:
        raise ValueError(
            f"tensor '{name}' of {path} has {what} {stored}, but its {CONFIG_FILE} asks for "
            f"{expected}: the two files do not belong together"
        )
