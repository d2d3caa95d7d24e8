import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Image
from PIL import Image as Pillow

from hf_dynsel.report import write_report

MakeRun = Callable[..., Path]
SIZE = 120
FIGURES = [
    "chosen_by_score",
    "chosen_rank",
    "chosen_samples",
    "class_mix",
    "curves",
    "examples_diversity",
    "examples_representativeness",
    "overlap",
    "schedule",
    "scores",
    "scores_joint",
    "seconds",
    "usage",
]


def training_set() -> Dataset:
    rng = np.random.default_rng(0)
    pictures = [Pillow.fromarray(rng.integers(0, 256, (8, 8), np.uint8)) for _ in range(SIZE)]
    features = Features(image=Image(), label=ClassLabel(names=["cat", "dog", "hen", "owl"]))
    return Dataset.from_dict({"image": pictures, "label": [0] * SIZE}, features=features)


@pytest.fixture(scope="module")
def report(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("run"), size=SIZE)
    return write_report(folder, examples=training_set())


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_written_and_is_not_blank(report: Path, name: str) -> None:
    with Pillow.open(report.parent / "figures" / f"{name}.png") as image:
        assert image.width == 1600
        assert np.asarray(image.convert("L")).std() > 5


def test_no_other_figures_are_written(report: Path) -> None:
    assert sorted(path.stem for path in (report.parent / "figures").iterdir()) == FIGURES


def test_the_page_holds_all_it_needs(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    links = re.findall(r'(?:src|href)="(.*?)"', page)
    assert all(link.startswith(("data:", "#")) for link in links)
    assert not re.search(r"<script|@import|url\(|https?://", page)
    assert page.count("data:image/png;base64,") == len(FIGURES)


def test_every_image_is_described(report: Path) -> None:
    described = re.findall(r'<img [^>]*alt="([^"]{20,})"', report.read_text(encoding="utf-8"))
    assert len(described) == len(FIGURES)


def test_the_same_folder_gives_the_same_files(report: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(report.parent, copy, ignore=shutil.ignore_patterns("figures", "*.html"))
    again = write_report(copy, examples=training_set())
    assert again.read_bytes() == report.read_bytes()
    for name in FIGURES:
        first, second = (p.parent / "figures" / f"{name}.png" for p in (report, again))
        assert first.read_bytes() == second.read_bytes()


def test_a_folder_with_the_required_files_alone_says_what_is_missing(
    make_run: MakeRun, tmp_path: Path
) -> None:
    make_run(tmp_path, size=SIZE)
    shutil.rmtree(tmp_path / "scores")
    (tmp_path / "log_history.json").unlink()
    page = write_report(tmp_path).read_text(encoding="utf-8")
    for sentence in (
        "The score figures need scores/scores.parquet, which is not there.",
        "The pictures by score need scores/scores.parquet, which is not there.",
        "The class mix needs a class column in scores/scores.parquet.",
        "the learning rate and α(t) need log_history.json, which is missing.",
        "The examples need scores/scores.parquet, which is not there.",
    ):
        assert sentence in page


def test_examples_of_another_size_are_refused(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path, size=SIZE + 1)
    with pytest.raises(ValueError, match="examples has 120 rows, but the run had 121 samples"):
        write_report(tmp_path, examples=training_set())
    assert not (tmp_path / "figures").exists()


def test_examples_with_other_content_are_refused(make_run: MakeRun, tmp_path: Path) -> None:
    notes = '{"dataset_fingerprint": "abc"}'
    (make_run(tmp_path, size=SIZE) / "scores" / "scores.json").write_text(notes)
    with pytest.raises(ValueError, match="the dataset fingerprint is '.*' here, but 'abc' where"):
        write_report(tmp_path, examples=training_set())


def test_a_missing_package_is_reported_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'hf-dynsel\[report\]'"):
        write_report(tmp_path)
