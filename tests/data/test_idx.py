import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets import DatasetDict

import hf_dynsel.data.idx  # noqa: F401  the module, not the function of the same name
from hf_dynsel.data import idx

Write = Callable[[Path, np.ndarray], Path]
IMAGES = np.arange(3 * 4 * 4).reshape(3, 4, 4)
LABELS = np.array([0, 2, 1])


@pytest.fixture
def folder(tmp_path: Path, write_idx: Write) -> Path:
    return fill(tmp_path / "mine", write_idx)


def fill(folder: Path, write_idx: Write, suffix: str = "", labels: np.ndarray = LABELS) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    for prefix in ("train", "t10k"):
        write_idx(folder / f"{prefix}-images-idx3-ubyte{suffix}", IMAGES)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte{suffix}", labels)
    return folder


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_gives_its_images_and_labels(
    suffix: str, tmp_path: Path, write_idx: Write
) -> None:
    loaded = idx(fill(tmp_path / "mine", write_idx, suffix))
    assert list(loaded) == ["train", "test"]
    np.testing.assert_array_equal(np.asarray(loaded["test"][1]["image"]), IMAGES[1])
    assert loaded["train"]["label"][:] == LABELS.tolist()


def test_classes_are_the_numbers_unless_named(folder: Path) -> None:
    assert idx(folder)["train"].features["label"].names == ["0", "1", "2"]
    names = ["cat", "dog", "cow"]
    assert idx(folder, classes=names)["train"].features["label"].names == names


@pytest.mark.parametrize("name", ["fashion-mnist", "FashionMNIST", "fashion_mnist"])
def test_a_folder_called_fashion_mnist_gets_its_class_names(
    name: str, tmp_path: Path, write_idx: Write
) -> None:
    loaded = idx(fill(tmp_path / name, write_idx))
    assert loaded["train"].features["label"].names[:2] == ["T-shirt/top", "Trouser"]


def test_too_few_class_names_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"labels go up to 2, but there are 2 classes"):
        idx(folder, classes=["cat", "dog"])


def test_images_and_labels_of_different_splits_are_refused(folder: Path, write_idx: Write) -> None:
    write_idx(folder / "t10k-labels-idx1-ubyte", np.zeros(5))
    with pytest.raises(ValueError, match=r"holds 3 images, but .*t10k-labels.* holds 5 labels"):
        idx(folder)


def test_an_empty_split_is_refused(folder: Path, write_idx: Write) -> None:
    write_idx(folder / "t10k-images-idx3-ubyte", np.zeros((0, 4, 4)))
    write_idx(folder / "t10k-labels-idx1-ubyte", np.zeros(0))
    with pytest.raises(ValueError, match="holds no images"):
        idx(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match=r"mine has no file 't10k-labels-idx1-ubyte' or"):
        idx(folder)


def test_changed_files_are_read_again(folder: Path, write_idx: Write) -> None:
    idx(folder)
    write_idx(folder / "train-labels-idx1-ubyte", np.array([1, 1, 1]))
    assert idx(folder)["train"]["label"][:] == [1, 1, 1]


def test_the_same_files_elsewhere_have_the_same_fingerprint(
    tmp_path: Path, write_idx: Write
) -> None:
    here, there = (idx(fill(tmp_path / name, write_idx)) for name in ("here", "there"))
    assert here["train"]._fingerprint == there["train"]._fingerprint


def test_the_variable_goes_before_the_package(
    tmp_path: Path, write_idx: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "fashion-mnist", write_idx)
    monkeypatch.setenv("HF_DYNSEL_DATA", str(tmp_path))
    assert len(idx()["train"]) == 3


def test_without_data_the_error_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setattr(sys.modules["hf_dynsel.data.idx"], "DEBIAN", tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="apt-get install dataset-fashion-mnist.*zalando"):
        idx()


def test_fashion_mnist_has_its_published_shape(fashion_mnist: DatasetDict) -> None:
    assert {split: len(part) for split, part in fashion_mnist.items()} == {
        "train": 60_000,
        "test": 10_000,
    }
    for part in fashion_mnist.values():
        counts = np.bincount(part["label"][:])
        assert counts.tolist() == [len(part) // 10] * 10
    assert fashion_mnist["train"][0]["image"].size == (28, 28)
    # The first training image is an ankle boot, as in the authors' README.
    names = fashion_mnist["train"].features["label"].names
    assert names[fashion_mnist["train"][0]["label"]] == "Ankle boot"


def test_fashion_mnist_loads_at_once_the_second_time(
    fashion_mnist: DatasetDict, tmp_path: Path
) -> None:
    folder = Path(fashion_mnist["train"].cache_files[0]["filename"]).parents[3]
    start = time.perf_counter()
    idx(cache_dir=folder)
    assert time.perf_counter() - start < 1  # 0.05 seconds; reading the gzip files takes 1.4
