import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hf_dynsel.report.canvas import chart
from hf_dynsel.report.page import render
from hf_dynsel.report.picture import Picture, Section, Table
from hf_dynsel.report.runfolder import read_run

MakeRun = Callable[..., Path]
EVIL = "<script>alert(1)</script>"


class Tags(HTMLParser):
    """Notes every tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def folder(make_run: MakeRun, tmp_path: Path) -> Path:
    return make_run(tmp_path, size=50)


def test_every_number_is_the_one_of_the_summary(folder: Path) -> None:
    run = read_run(folder)
    page, summary = render(run, []), run.summary
    shown = dict(re.findall(r"<dt>(.*?)</dt>\n<dd class=\"value\"><data value=\"(.*?)\">", page))
    assert {name: float(value) for name, value in shown.items()} == {
        "accuracy": 0.9137,
        "f1": 0.9021,
        "loss": 0.2871,
        "samples trained": summary.samples_trained,
        "fewer samples": summary.samples_full / summary.samples_trained,
        "samples forwarded": summary.samples_forwarded,
        "selection overhead": 12.25 + 8.5 + 1.125 + 0.75,
        "never used": summary.usage["never_used"],
        "usage Gini": summary.usage["gini"],
        "optimizer steps": summary.optimizer_steps,
    }


def test_numbers_are_shown_with_their_unit_and_what_they_compare_with(
    make_run: MakeRun, tmp_path: Path
) -> None:
    counts = {"samples_trained": 1_000_000, "samples_full": 4_000_000, "samples_swept": 7}
    page = render(read_run(make_run(tmp_path, size=50_000, epochs=80, **counts)), [])
    for text in ("1,000,000", "all data: 4,000,000 (25.0%)", "4.00×", "22.6 s", "and 7 only to"):
        assert text in page


def test_hardware_and_versions_stand_at_the_top(folder: Path) -> None:
    page = render(read_run(folder), [])
    assert "gpu none · cpu 2 cores · versions.torch 2.15.0" in page.split("<dl")[0]


@pytest.mark.parametrize("place", ["recipe", "selector"])
def test_texts_of_the_summary_are_escaped(make_run: MakeRun, tmp_path: Path, place: str) -> None:
    page = render(read_run(make_run(tmp_path, size=50, **{place: EVIL})), [])
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_texts_of_other_files_and_sections_are_escaped(folder: Path) -> None:
    (folder / "recipe.yaml").write_text(f"name: '{EVIL}'")
    (folder / "scores" / "scores.json").write_text('{"a": {"b": "<script>"}}')
    picture = Picture("x", alt=f'"{EVIL}', caption=EVIL, figure=chart()[0])
    table = Table(EVIL, [EVIL], [[EVIL]])
    page = render(read_run(folder), [Section(EVIL, [picture], [EVIL], [table])])
    assert "script" not in {tag for tag, _ in Tags(page).found}
    assert page.count("&lt;script&gt;") == 11


def test_the_page_forbids_scripts_and_requests(folder: Path) -> None:
    metas = [
        attributes for tag, attributes in Tags(render(read_run(folder), [])).found if tag == "meta"
    ]
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert {"http-equiv": "Content-Security-Policy", "content": policy} in metas


def test_overhead_above_the_saving_is_said(make_run: MakeRun, tmp_path: Path) -> None:
    seconds = {"features": 1000.0, "train": 10.0}
    page = render(read_run(make_run(tmp_path, size=50, seconds=seconds)), [])
    assert re.search(r"selection cost about 9\d\d\.\d s more than it saved in this run", page)


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "recipe.yaml").unlink()
    (folder / "scores" / "scores.json").unlink()
    page = render(read_run(folder), [])
    assert "The recipe is in recipe.yaml, which is not there." in page
    assert "is in scores/scores.json, which is not there." in page
