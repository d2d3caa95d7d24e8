"""Result files: written from runs, read back, and refused where they are not of one comparison."""

import json
import math
from pathlib import Path

import pytest

from compare_kit import finish, setup
from hf_dynsel.compare.cells import source_of
from hf_dynsel.compare.results import read_results, write_results


@pytest.fixture
def cells(quickstart):  # noqa: ANN201
    source = source_of(quickstart("name=demo"))
    full = {"name": "FullData"}
    return [source.cell("equal_epochs", keep, "FullData", full, 0, {}) for keep in (0.3, 0.7)]


def test_a_run_that_depends_on_no_budget_is_in_the_results_of_each(cells, tmp_path: Path) -> None:
    finish(cells[0], 0.5)
    methods = dict.fromkeys(("0.3", "0.7"), {"FullData": {"name": "FullData"}})
    both = setup([], {}, keeps=[0.3, 0.7], methods=methods)
    write_results(tmp_path / "results", both, cells)
    found = read_results(tmp_path / "results")
    assert [found.metric(keep, "FullData") for keep in (0.3, 0.7)] == [{0: 0.5}, {0: 0.5}]
    assert found.setup == both


def test_what_did_not_finish_is_left_out_and_older_results_go(cells, tmp_path: Path) -> None:
    stale = tmp_path / "results" / "keep-0.3" / "Old" / "seed-0.json"
    stale.parent.mkdir(parents=True)
    stale.touch()
    write_results(tmp_path / "results", setup([], {}), cells)
    assert [path.name for path in (tmp_path / "results").rglob("*")] == ["setup.json"]


def test_a_folder_that_is_no_comparison_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no setup.json; `hf-dynsel compare` writes it"):
        read_results(tmp_path)


def test_results_without_a_run_are_refused(results) -> None:
    with pytest.raises(ValueError, match="holds no run; it should be in keep-<keep>/<label>"):
        results({})


def test_a_setup_with_other_keys_is_refused(results, tmp_path: Path) -> None:
    results({"RS2": (0.5,)})
    file = tmp_path / "results" / "setup.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"budget": 1}))
    with pytest.raises(ValueError, match="compare writes other keys"):
        read_results(file.parent)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipe": "other"}, "is a run of other, RS2, seed 0, which setup.json does not name"),
        ({"seed": 1}, "has the seed 1 and the metrics .*; it should be seed-1.json, with accuracy"),
        ({"seed": 9}, "is a run of demo, RS2, seed 9, which setup.json does not name"),
        (
            {"selector": "Moderate"},
            "of Moderate with keep 0.3, and by setup.json RS2 is RS2 with k",
        ),
        ({"keep": 0.5}, "is a run of RS2 with keep 0.5, and by setup.json RS2 is RS2 with keep 0"),
        ({"eval": {"accuracy": math.nan}}, "seed-0.json has accuracy nan, which compares with not"),
        ({"eval": {"loss": 1.0}}, r"the metrics \['loss'\]; it should be seed-0.json, with acc"),
    ],
)
def test_a_run_of_another_comparison_is_refused(results, changes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        results({"RS2": (0.5,)}, summaries={"RS2": changes})


def test_a_method_that_was_not_compared_is_refused(results) -> None:
    with pytest.raises(
        ValueError, match="is a run of demo, RS2, seed 0, which setup.json does not"
    ):
        results({"RS2": (0.5,)}, methods={"0.3": {"FullData": {}}})
