"""Training that is killed over and over ends as the training that is not."""

import json
import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

import fault_injection
from fault_injection import POINTS, RANDOM, Run, differences, plan

SCRIPT = Path(fault_injection.__file__)


@pytest.mark.slow
def test_kills_of_every_kind_leave_no_difference(tmp_path):
    command = [sys.executable, str(SCRIPT), "--kills=8", f"--output={tmp_path / 'result.json'}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["differences"] == []
    assert result["kills by point"] == dict.fromkeys(POINTS[:8], 1)
    assert result["fallbacks to an earlier checkpoint"] >= 2
    assert result["resumes"] >= 5


def test_the_first_kills_are_at_every_point_and_half_of_the_rest_at_random_times():
    kills = plan(100, seed=3)
    assert [kill.point for kill in kills[: len(POINTS)]] == list(POINTS)
    assert 35 <= sum(kill.point == RANDOM for kill in kills[len(POINTS) :]) <= 40
    assert plan(100, seed=3) == kills != plan(100, seed=4)


def run_of(*places):
    notes = [{"attempt": 0, "begins": 0}]
    notes += [{"attempt": 0, "place": list(p), "epoch": 0, "ids": [sum(p)]} for p in places]
    return Run(Path(), "RepDiv", [*notes, {"attempt": 0, "ends": {"usage": "ab", "steps": 2}}])


WHOLE = run_of((0, 0), (0, 1), (1, 0), (1, 1))


def changed(place, name, value):
    run = deepcopy(WHOLE)
    next(note for note in run.notes if note.get("place") == place)[name] = value
    return run


CHANGES = {
    "a sample": (changed([1, 0], "ids", [7]), r"batch \(1, 0\) is .*\[7\].*, not .*\[1\]"),
    "an epoch": (changed([0, 1], "epoch", 1), r"batch \(0, 1\) is"),
    "a batch left out": (run_of((0, 0), (1, 0), (1, 1)), "began at 0 and trained"),
    "a batch at the end": (run_of((0, 0), (0, 1), (1, 0)), "batches trained: 3, not 4"),
    "a batch too many": (run_of((0, 0), (0, 1), (1, 0), (1, 1), (2, 0)), r"batch \(2, 0\)"),
}


@pytest.mark.parametrize(("run", "pattern"), CHANGES.values(), ids=CHANGES)
def test_every_change_of_a_batch_is_a_difference(run, pattern):
    assert differences(WHOLE, WHOLE) == []
    found = differences(run, WHOLE)
    assert any(re.search(pattern, difference) for difference in found)


def test_every_change_of_what_is_left_is_a_difference():
    run = deepcopy(WHOLE)
    run.notes[-1]["ends"] = {"usage": "ac", "weights": "x"}
    assert differences(run, WHOLE) == [
        "steps: None, not 2",
        "usage: 'ac', not 'ab'",
        "weights: 'x', not None",
    ]
