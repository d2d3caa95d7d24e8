import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Features, Value
from datasets import Image as ImageFeature
from PIL import Image

from hf_dynsel.report.examples import example_section
from hf_dynsel.report.runfolder import RunFolder, read_run

MakeRun = Callable[..., Path]
SIZE, NAMES = 40, ["cat", "dog", "hen", "owl"]


@pytest.fixture
def run(make_run: MakeRun, tmp_path: Path) -> RunFolder:
    return read_run(make_run(tmp_path, size=SIZE))


def texts() -> Dataset:
    return Dataset.from_dict({"text": [f"secret {row} {'x' * 300}" for row in range(SIZE)]})


def images(mode: str) -> Dataset:
    pictures = [Image.new(mode, (6, 9), 200 if mode == "L" else (200, 20, 20))] * SIZE
    return Dataset.from_dict({"image": pictures}, features=Features(image=ImageFeature()))


def test_texts_are_hidden_unless_allowed(run: RunFolder) -> None:
    section = example_section(run, texts(), NAMES, show_texts=False)
    assert "secret" not in str(section)
    assert section.missing == [
        "Texts are left out, as they may be private: show_texts=True shows them, in a recipe "
        "dataset.show_texts."
    ]


def test_allowed_texts_are_shortened(run: RunFolder) -> None:
    section = example_section(run, texts(), NAMES, show_texts=True)
    shown = [row[-1] for table in section.tables for row in table.rows]
    assert {len(text) for text in shown} == {200}
    assert all(text.startswith("secret ") and text.endswith("…") for text in shown)


def test_the_table_lists_the_highest_and_the_lowest_scores(run: RunFolder) -> None:
    table = example_section(run, texts(), NAMES, show_texts=True).tables[0]
    order = np.argsort(run.scores["representativeness"], kind="stable")
    expected = [str(row) for row in [*order[::-1][:5], *order[:5]]]
    assert [row[1] for row in table.rows] == expected
    assert [row[0] for row in table.rows] == ["highest"] * 5 + ["lowest"] * 5


@pytest.mark.parametrize(("mode", "coloured"), [("L", False), ("RGB", True)])
def test_images_keep_their_colour(run: RunFolder, mode: str, coloured: bool) -> None:
    sheet = example_section(run, images(mode), NAMES, show_texts=False).pictures[0]
    pixels = np.asarray(Image.open(io.BytesIO(sheet.png)).convert("RGB")).reshape(-1, 3)
    assert (pixels == [200, 20, 20]).all(1).any() == coloured


def test_a_score_of_any_name_is_a_safe_file_name(make_run: MakeRun, tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path, size=SIZE))
    odd = RunFolder(**{**vars(run), "scores": {"../a b": run.scores["diversity"]}})
    (sheet,) = example_section(odd, images("L"), NAMES, show_texts=False).pictures
    assert sheet.name == "examples__a_b"


def test_without_examples_a_sentence_says_what_is_missing(run: RunFolder) -> None:
    section = example_section(run, None, NAMES, show_texts=False)
    assert section.missing == ["The examples need the training set: pass it as examples."]


def test_rows_without_images_or_texts_are_listed_by_number(run: RunFolder) -> None:
    numbers = Dataset.from_dict({"x": list(range(SIZE))}, features=Features(x=Value("int64")))
    section = example_section(run, numbers, NAMES, show_texts=True)
    assert list(section.tables[0].header) == ["end", "sample", "class", "score"]
