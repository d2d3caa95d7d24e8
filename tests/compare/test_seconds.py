"""Epochs that fit into a number of seconds, by hand."""

import json
from pathlib import Path

import pytest

from compare_kit import summary
from hf_dynsel.compare.seconds import Pilot, pilot_of
from hf_dynsel.report.summary import Summary, read_summary

SPENT = {"features": 5.0, "proxy": 20.0, "select": 3.0, "sweep": 4.0, "train": 8.0, "eval": 99.0}


@pytest.fixture
def run(tmp_path: Path) -> Summary:
    (tmp_path / "summary.json").write_text(json.dumps(summary("A", 0, 0.5, seconds=SPENT)))
    return read_summary(tmp_path / "summary.json")


def test_what_comes_before_training_is_overhead(run: Summary) -> None:
    """5 + 20 once; 3 + 4 + 8 over 4 epochs; evaluation is left out."""
    assert pilot_of(run, {"name": "RepDiv"}) == Pilot(25.0, 3.75)


def test_what_is_chosen_once_is_overhead(run: Summary) -> None:
    assert pilot_of(run, {"name": "StaticRandom"}) == Pilot(28.0, 3.0)


@pytest.mark.parametrize(
    ("pilot", "budget", "epochs"),
    [
        (Pilot(0.0, 2.5), 10.0, 4),
        (Pilot(0.0, 0.1), 0.1 * 3, 3),
        (Pilot(4.0, 2.5), 10.0, 2),
        (Pilot(9.0, 2.5), 10.0, 0),
        (Pilot(12.0, 2.5), 10.0, 0),
    ],
)
def test_whole_epochs_fill_what_the_overhead_leaves(pilot, budget, epochs) -> None:
    assert pilot.epochs_within(budget) == epochs
