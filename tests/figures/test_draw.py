"""Every figure of a real run: its files, its labels, and what it refuses."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hf_dynsel import figure_options
from hf_dynsel.cli import main
from hf_dynsel.figures import FIGURES, Request, draw

OF_RUN = {
    "codes": ["class_similarity", "codes_map"],
    "dynamics": ["dynamics"],
    "examples": ["examples_diversity_0", "examples_representativeness_0"],
    "mmd": ["mmd"],
    "scores": ["scores"],
    "unit_images": ["unit_images"],
    "units": ["units_0"],
    "usage": ["usage_curve"],
}


def request(name, *folders, **changes):
    return Request(name, folders, projection="tsne", **changes)


@pytest.mark.parametrize("name", OF_RUN)
def test_each_chart_is_pixels_lines_and_numbers(digits, tmp_path, name):
    files, left_out = draw(request(name, digits), tmp_path)
    assert left_out == []
    assert sorted({file.stem for file in files}) == OF_RUN[name]
    for stem in OF_RUN[name]:
        with Image.open(tmp_path / f"{stem}.png") as image:
            assert 1400 <= image.width <= 1600
            assert np.asarray(image.convert("L")).std() > 5
        assert b"<svg" in (tmp_path / f"{stem}.svg").read_bytes()
        facts = json.loads((tmp_path / f"{stem}.json").read_text())
        assert facts["numbers"] and len(facts["alt"]) > 20 and len(facts["caption"]) > 20


@pytest.mark.parametrize("name", ["dynamics", "mmd", "scores", "units", "usage"])
def test_every_axis_of_a_chart_is_labelled(digits, name):
    (picture,) = FIGURES[name](request(name, digits)).pictures
    axes = picture.figure.axes
    assert any(one.get_xlabel() for one in axes) and axes[0].get_ylabel()
    assert all(one.get_title(loc="left") for one in axes)


def test_the_same_run_gives_the_same_files(digits, tmp_path):
    for place in ("a", "b"):
        draw(request("units", digits), tmp_path / place)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_pictures_are_opaque_so_that_they_read_on_dark_pages(digits):
    (picture,) = FIGURES["scores"](request("scores", digits)).pictures
    with Image.open(io.BytesIO(picture.png)) as image:
        assert image.getpixel((2, 2))[:3] == (255, 255, 255)
        assert image.getchannel("A").getextrema() == (255, 255)


def test_the_command_line_knows_every_figure():
    assert set(figure_options.FIGURES) == set(FIGURES)


def test_the_command_prints_its_files(digits, tmp_path, capsys):
    command = ["figure", "units", str(digits), "--output", str(tmp_path), "--class", "3"]
    assert main([*command, "--class", "5", "seed=0"]) == 0
    names = [Path(line).name for line in capsys.readouterr().out.split()]
    assert names == [f"units_{c}.{kind}" for c in (3, 5) for kind in ("png", "svg", "json")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["units", "nowhere"], "there is no folder nowhere; give that of a run or of results"),
        (["units", "a=b"], "the figure 'units' needs a folder"),
        (["scores", ".", "."], "the figure 'scores' is of one run, got 2 folders"),
        (["units", "RUN", "--class", "cat"], "there is no class 'cat'; the classes are 0, 1, 2"),
        (["keep", "RUN"], "has no setup.json; `hf-dynsel compare` writes it into results/"),
        (["keep", "RUN", "seed=1"], "of finished results, which no recipe changes; leave out seed"),
        (["usage", "."], "has no summary.json and no selections.parquet"),
    ],
)
def test_wrong_input_is_said_and_exits_with_2(
    digits, tmp_path, monkeypatch, capsys, words, message
):
    monkeypatch.chdir(tmp_path)
    assert main(["figure", *(str(digits) if word == "RUN" else word for word in words)]) == 2
    assert message in capsys.readouterr().err


def test_an_unknown_figure_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="there is no figure 'pie'; there are codes, converg"):
        draw(request("pie", tmp_path))


def test_without_matplotlib_the_extra_is_named(digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'hf-dynsel\[report\]'"):
        draw(request("usage", digits))
