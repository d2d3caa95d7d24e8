"""What a benchmark measures and writes; never how long anything takes."""

import json

import pytest

from hf_dynsel import catalog, data, scores, selectors
from hf_dynsel.bench import bench_neighbors, bench_selectors
from hf_dynsel.bench.selectors import _Worker, extrapolated
from hf_dynsel.cli import main
from hf_dynsel.core import Selector
from hf_dynsel.scores import Score
from hf_dynsel.section_checks import exported

TINY = ["bench", "neighbors", "--rows", "40", "80", "--update-rows", "60", "--steps", "2"]


@pytest.fixture(autouse=True)
def digits(monkeypatch):
    monkeypatch.setattr(data, "idx", data.digits)


@pytest.fixture(scope="module")
def found():
    return bench_neighbors(data.digits()["train"], [40, 80], update_size=60, steps=2)


def test_every_size_is_searched_by_both_backends(found):
    assert [(row["rows"], row["backend"]) for row in found["cost"]] == [
        (40, "exact"),
        (40, "hnsw"),
        (80, "exact"),
        (80, "hnsw"),
    ]
    for row in found["cost"]:
        assert row["recall"] == row["same half"] == 1
        assert (
            row["build s"] >= 0 and row["query s"] > 0 and min(row["epoch s"], row["sweep s"]) > 0
        )


def test_shares_are_of_one_epoch_of_training(found):
    row = found["cost"][-1]
    search = row["build s"] + row["query s"]
    assert row["search / epoch"] == pytest.approx(search / row["epoch s"])
    both = (search + row["sweep s"]) / row["epoch s"]
    assert row["search + sweep / epoch"] == pytest.approx(both)


def test_an_epoch_is_extrapolated_in_proportion(found):
    assert found["cost"][-1]["epoch s"] == pytest.approx(2 * found["cost"][0]["epoch s"])


def test_growth_is_the_slope_of_the_logarithms(found):
    """Through two points it is the logarithm of their seconds' ratio to the base 2."""
    small, large = (row["processor s"] for row in found["cost"] if row["backend"] == "exact")
    assert 2 ** found["growth exponent"]["exact"] == pytest.approx(large / small)


def test_updates_and_rebuilds_find_the_neighbours_of_the_changed_features(found):
    assert [(row["changed"], row["way"]) for row in found["update"]] == [
        (0.3, "update"),
        (0.3, "rebuild"),
        (0.5, "update"),
        (0.5, "rebuild"),
    ]
    assert all(row["recall"] > 0.9 for row in found["update"])


def test_one_thread_builds_the_same_index_again(found):
    assert {row["threads"]: row["same again"] for row in found["threads"]}[1] == 1


def test_the_command_prints_tables_and_writes_all_of_it(tmp_path, capsys):
    output = tmp_path / "new" / "result.json"
    assert main([*TINY, "--output", str(output)]) == 0
    out = capsys.readouterr().out
    assert "search / epoch" in out and "rebuild" in out and "to the power of: exact" in out
    written = json.loads(output.read_text())
    assert written["architecture"] == "small_cnn" and written["dimensions"] == 128
    assert written["hnsw"]["M"] == 16 and "torch" in written["environment"]["packages"]


def test_without_an_output_no_file_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(TINY) == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("rows", "message"),
    [(["40"], r"two sizes or more, got \[40\]"), (["40", "9999"], "1,437 rows, fewer .* 9,999")],
)
def test_sizes_that_cannot_be_measured_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        bench_neighbors(data.digits()["train"], [int(n) for n in rows], update_size=20)


@pytest.mark.slow
def test_each_method_is_measured_and_the_slow_ones_are_extrapolated():
    """Nothing is measured within no time; the first size then has no number to go by."""
    found = bench_selectors([50, 100], width=4, only=["KCenter", "Density"])
    assert {name: [row["rows"] for row in rows] for name, rows in found["costs"].items()} == {
        "KCenter": [50, 100],
        "Density": [50, 100],
    }
    rows = [row for rows in found["costs"].values() for row in rows]
    assert all(row["first, s"] > 0 and not row["extrapolated"] for row in rows)
    none = bench_selectors([50, 100], width=4, limit_s=0, only=["KCenter"])["costs"]["KCenter"]
    assert [row["first, s"] for row in none] == [None, None]


@pytest.mark.slow
def test_what_a_method_refuses_is_told_and_the_next_size_is_asked_all_the_same():
    """Ten matrices of 11,001 x 11,001 numbers are 9 GiB."""
    found = bench_selectors([50, 100], width=11_000, only=["DatasetPruning"])
    rows = found["costs"]["DatasetPruning"]
    assert [row["rows"] for row in rows] == [50, 100]
    assert all("10 x 11001 x 11001 numbers" in row["refused"] for row in rows)
    assert not any(row["extrapolated"] for row in rows)


@pytest.mark.slow
def test_what_fails_is_raised_with_the_name_of_the_method():
    with (
        _Worker(60) as worker,
        pytest.raises(RuntimeError, match=r"Missing failed on 50 rows of 4 .*\n(.*\n)*KeyError"),
    ):
        worker.ask("Missing", 50, 4)


def test_costs_grow_on_as_between_the_last_two_sizes():
    """Seconds grew with the cube; nothing is said of memory, which may be that of a block."""
    rows = [
        {"rows": 10, "first, s": 1.0, "memory, MiB": 2.0, "extrapolated": False},
        {"rows": 20, "first, s": 8.0, "memory, MiB": 4.0, "extrapolated": False},
    ]
    grown = extrapolated(rows, 40)
    assert grown["first, s"] == pytest.approx(64) and "memory, MiB" not in grown
    assert extrapolated(rows[:1], 30)["first, s"] == pytest.approx(9)
    refused = {"rows": 25, "refused": "takes 9 GiB", "extrapolated": False}
    assert extrapolated([*rows, refused], 40) == grown


def test_every_method_has_recorded_costs_at_three_sizes(capsys):
    costs = catalog.recorded_costs()["costs"]
    methods = {*exported(selectors, Selector), *exported(scores, Score)}
    assert set(costs) == methods
    assert {tuple(row["rows"] for row in rows) for rows in costs.values()} == {
        (10_000, 100_000, 1_000_000)
    }
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{name} " in out for name in methods)
