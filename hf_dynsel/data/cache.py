"""Keeps a built dataset as Arrow files, so that the next call maps them instead of building."""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from datasets import Dataset, DatasetDict, config


def cached(
    name: str,
    key: str,
    build: Callable[[], dict[str, Dataset]],
    cache_dir: str | Path | None,
) -> DatasetDict:
    """Returns what `build` returned the first time it was called for `name` and `key`.

    Several processes may call at once: each builds in a folder of its own, one of them wins.

    Args:
        name: the loader.
        key: a hash of all that the result depends on.
        build: makes the splits.
        cache_dir: where the files go. None means the cache of `datasets`.
    """
    root = Path(cache_dir or config.HF_DATASETS_CACHE) / "hf_dynsel"
    folder = root / f"{name}-{key}"
    if not folder.is_dir():
        own = root / f"{folder.name}.{uuid.uuid4().hex}"
        try:
            DatasetDict(build()).save_to_disk(own)
            _publish(own, folder)
        finally:
            shutil.rmtree(own, ignore_errors=True)
    return DatasetDict.load_from_disk(folder)


def _publish(own: Path, folder: Path) -> None:
    try:
        own.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
