"""Reads and writes the two files of a saved model, checking all that is in them before use."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

MOST_CONFIG_BYTES = 10**6
MOST_WEIGHT_BYTES = 16 * 2**30
HEADER_BYTES = 2**16  # names, shapes and offsets of a few tensors take far less
Shapes = Mapping[str, tuple[int, ...]]
Record = TypeVar("Record")


@dataclass(frozen=True)
class Files:
    """The names of the two files that hold a model, inside its folder or repository."""

    config: str = "config.json"
    weights: str = "model.safetensors"

    def inside(self, subfolder: str) -> "Files":
        """Returns the same files in a subfolder."""
        folder = PurePosixPath(subfolder)
        return Files(str(folder / self.config), str(folder / self.weights))


OURS = Files()


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


def write(
    folder: Path, settings: Mapping[str, Any], tensors: Mapping[str, Tensor], files: Files = OURS
) -> None:
    """Writes the two files of a model into a folder, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(settings, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / files.config).write_text(text, encoding="utf-8")
    plain = {name: t.detach().cpu().float().contiguous() for name, t in tensors.items()}
    save_file(plain, folder / files.weights, metadata={"format": "pt"})


def most_bytes(shapes: Shapes, path: Path) -> int:
    """Returns how large the weights can be at most that a config asks for, in bytes.

    Raises:
        ValueError: if that is more than 16 GiB.
    """
    needed = 4 * sum(math.prod(shape) for shape in shapes.values())
    if needed > MOST_WEIGHT_BYTES:
        raise ValueError(
            f"{path} asks for weights of more than {MOST_WEIGHT_BYTES // 2**30} GiB, which are not "
            "read: it is damaged, or made to exhaust memory"
        )
    return needed + HEADER_BYTES


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


def check_choices(record: Any, choices: Mapping[str, tuple[Any, ...]]) -> None:
    """Raises ValueError, naming the field, unless fields of a dataclass hold one of the choices."""
    for name, allowed in choices.items():
        value = getattr(record, name)
        if not any(type(value) is type(choice) and value == choice for choice in allowed):
            rule = " or ".join(map(repr, allowed))
            raise ValueError(f"{name} must be {rule} for a model of ours to hold it, got {value!r}")


def read_tensors(path: Path, shapes: Shapes) -> dict[str, Tensor]:
    """Returns the tensors of a safetensors file, which must have the names and shapes given.

    Raises:
        ValueError: if the file is damaged, or a tensor's name, shape, type or values are wrong.
    """
    try:
        with safe_open(path, framework="pt") as file:
            if set(file.keys()) != set(shapes):
                raise ValueError(
                    f"{path} holds the tensors {sorted(file.keys())}, "
                    f"but its config asks for {sorted(shapes)}: it is of another model"
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
            f"tensor '{name}' of {path} has {what} {stored}, but its config asks for {expected}: "
            "the two files do not belong together"
        )
