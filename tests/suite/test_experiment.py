"""Whole suites: run member by member; most with made-up comparisons, one that trains."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hf_dynsel import yaml_files
from hf_dynsel.cli import main
from hf_dynsel.compare import Compared
from hf_dynsel.compare_section import Comparison
from hf_dynsel.recipe import Recipe
from hf_dynsel.suite import compare_suite, load_suite
from suite_kit import write_member

RECIPES = Path(__file__).parents[2] / "recipes"
QUICKSTART = RECIPES / "quickstart_digits.yaml"
ARM = {"FullData": (0.9, 0.92), "RepDiv": (0.84, 0.85)}
TINY = [
    "dataset.train_size=60",
    "dataset.eval_size=60",
    "sae.epochs=1",
    "trainer.num_train_epochs=2",
    "metrics=[accuracy]",
]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    members = {
        "half": {
            "recipe": str(QUICKSTART),
            "set": [*TINY, "compare={keeps: [0.5], seeds: [0]}"],
            "published": {"dataset": "CIFAR-10", "backbone": "ResNet-18"},
        },
        "other": {
            "recipe": str(QUICKSTART),
            "set": [*TINY, "compare={keeps: [0.3], seeds: [0]}"],
            "published": {"dataset": "CIFAR-10", "backbone": "ResNet-18"},
        },
    }
    content = {"suite": "tiny", "title": "Digits", "paper": "B", "table": "1", "members": members}
    content |= {"columns": ["accuracy", "step90", "speedup_samples"]}
    content |= {"output_dir": str(tmp_path / "out")}
    yaml_files.write(content, tmp_path / "suite.yaml")
    return tmp_path / "suite.yaml"


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], dict[str, str]]:
    """Returns which members were compared, and what is to fail of them: all, or one run."""
    ran: list[str] = []
    failing: dict[str, str] = {}

    def compare(
        recipe: Recipe, wanted: Comparison, jobs: int | None, others: Sequence[Recipe]
    ) -> Compared:
        name = recipe.folder.name
        ran.append(name)
        if failing.get(name) == "all":
            raise RuntimeError(f"{name} cannot")
        folder = recipe.folder / "compare" / wanted.rule
        write_member(folder / "results", {str(wanted.keeps[0]): ARM})
        return Compared(folder, {"RepDiv, seed 0": "it"} if name in failing else {})

    monkeypatch.setattr("hf_dynsel.suite.experiment.compare", compare)
    return ran, failing


def test_members_run_in_their_order_and_leave_their_results(suite: Path, made_up) -> None:
    ran, _ = made_up
    found = compare_suite(load_suite(suite))
    assert ran == ["half", "other"]
    assert found.failed == {}
    results = found.folder / "results"
    assert (results / "half" / "keep-0.5" / "RepDiv" / "seed-1.json").is_file()
    assert (results / "suite_setup.json").is_file()
    assert {file.name for file in found.folder.glob("suite.*")} == {
        "suite.md",
        "suite.csv",
        "suite.json",
    }


def test_a_member_that_fails_loses_no_other(suite: Path, made_up) -> None:
    ran, failing = made_up
    failing["half"] = "all"
    found = compare_suite(load_suite(suite))
    assert found.failed == {"half": "RuntimeError: half cannot"}
    text = (found.folder / "suite.md").read_text()
    assert "Failed when last run:\n\n- half: RuntimeError: half cannot\n" in text
    assert "## other\n" in text
    with pytest.raises(ValueError, match=r"1 member failed; calling this again goes on:\n  half: "):
        found.require_all()


def test_runs_that_fail_are_reported_and_the_others_shown(suite: Path, made_up) -> None:
    _, failing = made_up
    failing["other"] = "one"
    found = compare_suite(load_suite(suite))
    assert found.failed == {"other": "1 run failed, such as RepDiv, seed 0"}
    assert "## other\n" in (found.folder / "suite.md").read_text()


def test_what_succeeds_later_is_no_failure_any_more(suite: Path, made_up) -> None:
    ran, failing = made_up
    failing["half"] = "all"
    compare_suite(load_suite(suite))
    failing.clear()
    found = compare_suite(load_suite(suite, only=["half"]))
    assert ran == ["half", "other", "half"]
    text = (found.folder / "suite.md").read_text()
    assert "Failed" not in text
    assert "## half\n" in text and "## other\n" in text


def test_the_command_says_what_failed_and_exits_with_2(suite: Path, made_up, capsys) -> None:
    _, failing = made_up
    failing["half"] = "all"
    assert main(["compare", str(suite)]) == 2
    seen = capsys.readouterr()
    assert seen.out.startswith("# Digits\n")
    assert "hf-dynsel: 1 member failed; calling this again goes on:\n  half: Runtime" in seen.err


def test_overrides_may_stand_behind_the_names_of_members(suite: Path, made_up, tmp_path) -> None:
    ran, _ = made_up
    place = tmp_path / "elsewhere"
    assert main(["compare", str(suite), "--only", "other", f"output_dir={place}", "seed=1"]) == 0
    assert ran == ["other"]
    assert (place / "suite.md").is_file()


def test_names_of_members_are_of_a_suite(capsys) -> None:
    assert main(["compare", str(QUICKSTART), "--only", "one"]) == 2
    assert "--only names members of a suite, and" in capsys.readouterr().err


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Returns a function that runs a suite with a cache of its own."""
    cache = tmp_path_factory.mktemp("cache")

    def run(path: Path) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HF_DYNSEL_CACHE", str(cache))
            assert main(["compare", str(path)]) == 0
        return path.parent / "out"

    return run


def test_a_suite_trains_its_members_and_renders_them(
    suite: Path, trained: Callable[[Path], Path], capsys
) -> None:
    """Of 60 digits in two epochs, RepDiv trains on 30 and then 60 at 50 %, on 18 and 60 at 30 %."""
    folder = trained(suite)
    page = (folder / "suite.md").read_text().strip()
    assert capsys.readouterr().out.strip().endswith(page)
    content = json.loads((folder / "suite.json").read_text())
    rows = {(row["keep"], row["method"], row["measure"]): row for row in content["rows"]}
    assert rows[0.5, "RepDiv", "speedup_samples"]["mean"] == pytest.approx(120 / 90)
    assert rows[0.3, "RepDiv", "speedup_samples"]["mean"] == pytest.approx(120 / 78)
    assert rows[0.3, "FullData", "step90"]["mean"] is not None
    assert rows[0.3, "RepDiv", "accuracy"]["paper"] == 95.3
    assert rows[0.5, "RepDiv", "accuracy"]["paper"] is None
    runs = "compare/equal_epochs/any-keep/FullData/seed-0/summary.json"
    assert (folder / "half" / runs).read_bytes() == (folder / "other" / runs).read_bytes()  # once
    for place in (folder, folder / "results"):
        assert main(["report", str(place)]) == 0
        assert capsys.readouterr().out.strip() == page


@pytest.mark.slow
def test_a_suite_that_is_run_again_trains_nothing(
    suite: Path, trained: Callable[[Path], Path]
) -> None:
    folder = trained(suite)
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("summary.json")}
    assert len(before) == 8
    trained(suite)
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("summary.json")} == before
