"""The rows of a suite from made-up runs, paired and set beside the paper's by hand."""

from pathlib import Path

import pytest

from hf_dynsel.compare.results import read_results
from hf_dynsel.published import published
from hf_dynsel.suite.entries import Entry, entries, not_run
from hf_dynsel.suite.measures import measure_of
from suite_kit import curve, write_member

# Table 1, CIFAR-10, ResNet-18: full data 96.1; at 30 %, Ours 95.3, RS2 w/r 94.2, UCB 93.9.
NUMBERS = [
    number
    for number in published().table("B", "1")
    if (number.dataset, number.backbone) == ("CIFAR-10", "ResNet-18")
]
ARM = {
    "FullData": (0.90, 0.91, 0.92),
    "RS2": (0.80, 0.81, 0.82),
    "RepDiv": (0.84, 0.86, 0.85),
    "SeTa": (0.7, 0.7, 0.7),
}


def rows(folder: Path, *columns: str, arm=ARM, **more) -> dict[tuple[str, str], Entry]:  # noqa: ANN001
    results = read_results(write_member(folder, {"0.3": arm}, **more))
    measures = [found for name in columns if (found := measure_of(name)) is not None]
    return {(row.method, row.measure): row for row in entries("first", results, measures, NUMBERS)}


def test_differences_are_paired_by_seed_in_points(tmp_path: Path) -> None:
    """RepDiv less RS2: 4, 5 and 3 points; less full data: -6, -5 and -7."""
    row = rows(tmp_path, "accuracy")["RepDiv", "accuracy"]
    assert (row.runs, row.seeds) == (3, 3)
    assert (row.mean, row.std) == pytest.approx((85.0, 1.0))
    assert row.to_rs2 is not None and row.to_full is not None
    assert (row.to_rs2.mean, row.to_full.mean) == pytest.approx((4.0, -6.0))
    half = 4.30265 / 3**0.5  # Student's t at two degrees of freedom, times the standard error
    assert (row.to_rs2.low, row.to_rs2.high) == pytest.approx((4 - half, 4 + half), abs=1e-4)


def test_the_gap_is_our_difference_to_full_data_less_the_papers(tmp_path: Path) -> None:
    """Ours -6.0, the paper's 95.3 - 96.1 = -0.8: 5.2 points apart."""
    row = rows(tmp_path, "accuracy")["RepDiv", "accuracy"]
    assert (row.paper, row.paper_to_full) == pytest.approx((95.3, -0.8))
    assert row.gap is not None and row.to_full is not None
    assert row.to_full.low is not None and row.gap.low is not None
    assert row.gap.mean == pytest.approx(-5.2)
    assert row.gap.low - row.to_full.low == pytest.approx(0.8)


def test_references_are_not_compared_with_themselves(tmp_path: Path) -> None:
    found = rows(tmp_path, "accuracy")
    full, rs2 = found["FullData", "accuracy"], found["RS2", "accuracy"]
    assert (full.to_full, full.paper, full.paper_to_full) == (None, 96.1, None)
    assert (rs2.to_rs2, rs2.paper) == (None, 94.2)
    assert full.to_rs2 is not None


def test_what_the_paper_lacks_stands_alone(tmp_path: Path) -> None:
    row = rows(tmp_path, "accuracy")["SeTa", "accuracy"]
    assert (row.paper, row.paper_to_full, row.number, row.gap) == (None, None, None, None)


def test_rows_are_ordered_from_the_best(tmp_path: Path) -> None:
    assert [method for method, _ in rows(tmp_path, "accuracy")] == [
        "FullData",
        "RepDiv",
        "RS2",
        "SeTa",
    ]
    spent = {"RS2": {"seconds": {"train": 5.0}}, "RepDiv": {"seconds": {"train": 7.0}}}
    arm = {label: ARM[label] for label in ("FullData", "RS2", "RepDiv")}
    found = rows(tmp_path / "b", "seconds", arm=arm, runs=spent)
    assert [method for method, _ in found] == ["RS2", "RepDiv", "FullData"]


def test_costs_are_not_compared(tmp_path: Path) -> None:
    row = rows(tmp_path, "seconds")["RepDiv", "seconds"]
    assert (row.mean, row.to_rs2, row.to_full) == (11.0, None, None)


def test_a_run_without_a_value_is_not_in_the_mean(tmp_path: Path) -> None:
    """Full data ends with 0.9; 0.81 is reached by RS2 at step 20, and never by RepDiv."""
    curves = {
        "FullData": {"curve": curve(0.5, 0.9)},
        "RS2": {"curve": curve(0.5, 0.81)},
        "RepDiv": {"curve": curve(0.5, 0.6)},
    }
    found = rows(tmp_path, "step90", runs=curves)
    row, never = found["RS2", "step90"], found["RepDiv", "step90"]
    assert (row.seeds, row.mean, row.std) == (3, pytest.approx(20), pytest.approx(0))
    assert (never.runs, never.seeds, never.mean, never.std) == (3, 0, None, None)
    assert list(found)[-2:] == [("RepDiv", "step90"), ("SeTa", "step90")]


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    row = rows(tmp_path, "accuracy", arm={"RS2": (0.5,), "RepDiv": (0.6,)})["RepDiv", "accuracy"]
    assert (row.std, row.to_full) == (None, None)
    assert row.to_rs2 is not None
    assert (row.to_rs2.mean, row.to_rs2.low) == (pytest.approx(10), None)


def test_published_numbers_beside_none_of_ours_are_listed(tmp_path: Path) -> None:
    left = not_run(NUMBERS, rows(tmp_path, "accuracy").values())
    assert {number.method for number in left if number.keep == 0.3} >= {"MoSo", "UCB", "Random"}
    assert "RS2 w/r" not in {number.method for number in left if number.keep == 0.3}
    assert "Ours" in {number.method for number in left if number.keep == 0.7}
    assert "Full" not in {number.method for number in left}
