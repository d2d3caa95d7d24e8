"""The files of a suite: what is written, and what is refused when read."""

import csv
import io
import json
from pathlib import Path

import pytest

from hf_dynsel.suite.files import note_failure, read_suite, take_results
from hf_dynsel.suite.write import render_suite, write_suite
from suite_kit import BASE, write_member, write_suite_file

ARM = {"FullData": (0.9, 0.92), "RepDiv": (0.84, 0.85), "SeTa": (0.7, 0.7)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_member(write_suite_file(tmp_path) / "first", {"0.3": ARM})
    write_suite(tmp_path, tmp_path)
    return tmp_path


def test_the_page_is_a_function_of_the_results(folder: Path) -> None:
    assert (folder / "suite.md").read_text() == render_suite(folder)


def test_every_row_of_the_csv_is_one_measure_of_one_method(folder: Path) -> None:
    """RepDiv is 7.5 points below full data, and the paper's 0.8."""
    rows = list(csv.DictReader(io.StringIO((folder / "suite.csv").read_text())))
    assert [row["method"] for row in rows] == ["FullData", "RepDiv", "SeTa"]
    row = rows[1]
    assert (row["member"], row["keep"], row["measure"]) == ("first", "0.3", "accuracy")
    assert (row["paper_method"], float(row["paper"])) == ("Ours", 95.3)
    assert float(row["to_full_mean"]) == pytest.approx(-6.5)
    assert float(row["gap_mean"]) == pytest.approx(-5.7)
    assert (rows[2]["paper"], rows[2]["gap_mean"]) == ("", "")


def test_the_json_holds_the_suite_and_its_rows(folder: Path) -> None:
    content = json.loads((folder / "suite.json").read_text())
    assert content["suite"]["members"] == BASE["members"]
    assert (content["failed"], content["missing"], content["drops"]) == ({}, [], [])
    assert content["rows"][1]["number"]["value"] == 95.3
    assert content["rows"][1]["gap"]["mean"] == pytest.approx(-5.7)


def test_new_results_replace_the_old_and_the_failure(folder: Path, tmp_path: Path) -> None:
    note_failure(folder / "first", "ValueError: no")
    assert read_suite(folder).failed == {"first": "ValueError: no"}
    assert "first" in read_suite(folder).results
    new = write_member(tmp_path / "new", {"0.7": ARM})
    take_results(new, folder / "first")
    found = read_suite(folder)
    assert (found.failed, found.missing) == ({}, [])
    assert list(found.results["first"].runs) == [0.7]


def test_a_folder_without_a_setup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no suite_setup\.json; `hf-dynsel compare SUITE`"):
        read_suite(tmp_path)


def test_a_setup_with_faults_is_refused(tmp_path: Path) -> None:
    write_suite_file(tmp_path, columns=["nothing"], members={"a": {"recipe": 3}})
    with pytest.raises(ValueError, match="is no suite:") as refused:
        read_suite(tmp_path)
    assert "columns: a suite has no 'nothing'" in str(refused.value)
    assert "members.a.recipe: 3 is not of type str" in str(refused.value)
