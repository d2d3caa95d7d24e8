"""The benchmarks of the stages: what they compare and write; never how long anything takes."""

import json

import numpy as np
import pytest

from hf_dynsel.bench import bench_speed, speed_rows
from hf_dynsel.bench.selection import _mapped_pool
from hf_dynsel.bench.speed import STAGES
from hf_dynsel.bench.target import Target, timed
from hf_dynsel.cli import main


@pytest.mark.slow
def test_every_stage_is_measured_at_quick_sizes(tmp_path, capsys):
    file = tmp_path / "folder" / "found.json"
    assert main(["bench", "--quick", "--output", str(file)]) == 0
    found = json.loads(file.read_text())
    shown = capsys.readouterr().out
    assert found["sizes"] == "quick" and "their ratios say nothing" in shown
    assert len(found["targets"]) == 18
    for target in found["targets"]:
        assert target["what"] in shown
        assert np.isfinite(target["ratio"]) and target["ratio"] >= 0
        good = target["ratio"] >= target["limit"]
        assert target["met"] == (good if target["at_least"] else target["ratio"] <= target["limit"])
    assert len(speed_rows(found)) == 18


def test_one_stage_is_measured_alone():
    found = bench_speed(only=["import"])
    assert [target["limit"] for target in found["targets"]] == [0.3, 0]
    assert found["targets"][1]["ratio"] == 0  # the simulator does without Torch


def test_unknown_stages_are_refused():
    with pytest.raises(ValueError, match="there is no stage 'sae'; there are import, selection"):
        bench_speed(only=["sae"])
    named = {"trainer", "data", "features", "autoencoder", "density", "savings", "processes"}
    assert {*STAGES} >= named


def test_a_pair_is_the_median_of_the_ratios_of_turns():
    """Both slow down from turn to turn, and ours stays twice theirs; the first call warms up."""
    ours, theirs = iter([100.0, 2.0, 8.0, 6.0]), iter([1.0, 1.0, 4.0, 3.0])
    found = timed(lambda: next(ours), lambda: next(theirs), 3)
    assert (found.ours, found.theirs, found.ratio) == (6.0, 3.0, 2.0)


@pytest.mark.parametrize(
    ("ratio", "at_least", "met"), [(1.0, False, True), (1.1, False, False), (1.1, True, True)]
)
def test_a_ratio_is_on_one_side_of_its_limit(ratio, at_least, met):
    assert Target("it", ratio, 1.0, at_least).met is met


def test_the_large_pool_is_read_from_its_file(tmp_path):
    pool = _mapped_pool(tmp_path / "pool.arrow", 3000)
    assert pool.size == 3000
    for column in pool.scores.values():
        assert column.dtype == np.float32 and not column.flags.owndata
    assert np.bincount(pool.labels).tolist() == [3] * 1000
