from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image

from hf_dynsel.data import files, hub

ROWS = Dataset.from_dict(
    {"review": [f"text {i}" for i in range(20)], "stars": ["bad", "good"] * 10}
)
NAMES = {"review": "text", "stars": "label"}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_one_file_is_split(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews.{suffix}"
    {"csv": ROWS.to_csv, "jsonl": ROWS.to_json, "parquet": ROWS.to_parquet}[suffix](path)
    parts = files(path, columns=NAMES, test_size=0.5)
    assert [np.bincount(part["label"][:]).tolist() for part in parts.values()] == [[5, 5], [5, 5]]


def test_a_folder_of_tables_keeps_its_splits(tmp_path: Path) -> None:
    for name in ("train", "validation", "test"):
        ROWS.to_csv(tmp_path / f"{name}.csv")
    assert list(files(tmp_path, columns=NAMES)) == ["train", "validation", "test"]


def test_a_folder_of_images_has_its_subfolders_as_classes(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for grey, name in enumerate(("black", "grey")):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            Image.new("L", (4, 4), 100 * grey).save(folder / "0.png")
    part = files(tmp_path)["test"]
    assert part.features["label"].names == ["black", "grey"]
    assert [np.asarray(row["image"]).max() for row in part] == [0, 100]


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file or folder .*nowhere"):
        files(tmp_path / "nowhere")


def test_another_type_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.xls").touch()
    with pytest.raises(ValueError, match=r"ends in '.xls'; give a folder or .*\.csv, \.jsonl"):
        files(tmp_path / "data.xls")


def test_hub_takes_what_load_dataset_takes(tmp_path: Path) -> None:
    ROWS.to_parquet(tmp_path / "train.parquet")
    parts = hub(str(tmp_path), columns=NAMES, test_size=0.25, validation_size=0.2)
    assert [len(part) for part in parts.values()] == [12, 3, 5]
