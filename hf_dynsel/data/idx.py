"""MNIST-style folders of idx files, such as Fashion-MNIST from a Debian package."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
from jaxtyping import UInt8

from hf_dynsel.data.cache import cached
from hf_dynsel.data.idx_format import read_idx
from hf_dynsel.data.locate import locate
from hf_dynsel.data.netpbm import image_column
from hf_dynsel.data.source import Source, note_source

FASHION_MNIST = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PREFIXES = {"train": "train", "test": "t10k"}
SOURCE = Source(
    "Fashion-MNIST", "image-classification", "zalandoresearch/fashion_mnist", license="mit"
)


def idx(
    folder: str | Path | None = None,
    classes: Sequence[str] | None = None,
    cache_dir: str | Path | None = None,
) -> DatasetDict:
    """Returns `train` and `test` of a folder of idx files, with columns `image` and `label`.

    The folder holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with
    `t10k`, each plain or with `.gz`. The result is kept as Arrow files, so that a second call
    reads nothing else; the files' content is its key, so that changed files are read again.

    Args:
        folder: where the files are. None looks for Fashion-MNIST in `$HF_DYNSEL_DATA` and where
            the Debian package `dataset-fashion-mnist` puts it.
        classes: the class names in label order. None means those of Fashion-MNIST if the
            folder's name says so, else the numbers.
        cache_dir: where the Arrow files go. None means the cache of `datasets`.

    Raises:
        FileNotFoundError: if the folder or one of its files is missing.
        ValueError: if a file is damaged, or if images, labels and classes do not match.
    """
    root = Path(folder) if folder is not None else _fashion_mnist()
    files = {split: _files(root, prefix) for split, prefix in PREFIXES.items()}
    names = list(classes) if classes is not None else _known_classes(root)
    digest = hashlib.sha256(repr(names).encode())
    for path in [path for pair in files.values() for path in pair]:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    splits = cached("idx", digest.hexdigest()[:32], lambda: _read(files, names), cache_dir)
    return note_source(splits, _source(root))


def _fashion_mnist() -> Path:
    remedy = (
        "apt-get install dataset-fashion-mnist, or use the loader 'hub' "
        "with path: zalandoresearch/fashion_mnist"
    )
    return locate("fashion-mnist", DEBIAN, remedy)


def _files(folder: Path, prefix: str) -> tuple[Path, Path]:
    return (
        _file(folder, f"{prefix}-images-idx3-ubyte"),
        _file(folder, f"{prefix}-labels-idx1-ubyte"),
    )


def _file(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"{folder} has no file '{name}' or '{name}.gz'")


def _known_classes(folder: Path) -> list[str] | None:
    return list(FASHION_MNIST) if _is_fashion_mnist(folder) else None


def _source(folder: Path) -> Source:
    if _is_fashion_mnist(folder):
        return SOURCE
    return Source(folder.resolve().name, "image-classification")


def _is_fashion_mnist(folder: Path) -> bool:
    letters = "".join(c for c in folder.resolve().name.lower() if c.isalpha())
    return letters == "fashionmnist"


def _read(files: dict[str, tuple[Path, Path]], names: list[str] | None) -> dict[str, Dataset]:
    arrays = {split: _read_pair(*pair) for split, pair in files.items()}
    highest = max(int(labels.max()) for _, labels in arrays.values())
    names = names or [str(label) for label in range(highest + 1)]
    if highest >= len(names):
        raise ValueError(
            f"the labels go up to {highest}, but there are {len(names)} classes: {names}; "
            "name every class, in label order"
        )
    features = Features(image=Image(), label=ClassLabel(names=names))
    return {
        split: Dataset.from_dict(
            {"image": image_column(images), "label": labels.astype(np.int64)}, features=features
        )
        for split, (images, labels) in arrays.items()
    }


def _read_pair(
    image_file: Path, label_file: Path
) -> tuple[UInt8[np.ndarray, "n height width"], UInt8[np.ndarray, " n"]]:
    images, labels = read_idx(image_file, 3), read_idx(label_file, 1)
    if len(images) != len(labels):
        raise ValueError(
            f"{image_file} holds {len(images):,} images, but {label_file} holds "
            f"{len(labels):,} labels; they are not of the same split"
        )
    if len(images) == 0:
        raise ValueError(f"{image_file} holds no images")
    return images, labels
