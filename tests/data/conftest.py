import gzip
from collections.abc import Callable
from pathlib import Path

import datasets
import numpy as np
import pytest

from hf_dynsel.data.fortunes import DEBIAN, read_fortunes
from hf_dynsel.data.idx import idx


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.delenv("HF_DYNSEL_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def fashion_mnist(tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    return idx(cache_dir=tmp_path_factory.mktemp("fashion-mnist"))


@pytest.fixture(scope="session")
def fortune_texts() -> dict[str, list[str]]:
    return read_fortunes(DEBIAN)


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def write_idx() -> Callable[[Path, np.ndarray], Path]:
    def write(path: Path, array: np.ndarray) -> Path:
        content = idx_bytes(array)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path

    return write
