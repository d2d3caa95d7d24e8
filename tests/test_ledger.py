import json

import pytest

from hf_dynsel import ledger
from hf_dynsel.ledger import Ledger


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets by hand, in seconds."""
    now = [0.0]
    monkeypatch.setattr(ledger.time, "perf_counter", lambda: now[0])
    return now


def test_samples_trained_are_those_of_all_epochs():
    assert Ledger().samples_trained == 0
    assert Ledger(samples_per_epoch=[3, 0, 5]).samples_trained == 8


def test_seconds_add_up_by_stage(clock):
    cost = Ledger()
    for stage, seconds in (("train", 2.0), ("eval", 0.5), ("train", 3.0)):
        with cost.timed(stage):
            clock[0] += seconds
    assert cost.seconds == {"train": 5.0, "eval": 0.5}


def test_a_stage_that_fails_has_cost_its_time(clock):
    cost = Ledger()
    with pytest.raises(RuntimeError, match="out of memory"), cost.timed("sweep"):
        clock[0] += 4.0
        raise RuntimeError("out of memory")
    assert cost.seconds == {"sweep": 4.0}


def test_a_stage_inside_another_counts_for_itself_alone(clock):
    cost = Ledger()
    with cost.timed("train"):
        clock[0] += 1.0
        with cost.timed("eval"):
            clock[0] += 2.0
    assert cost.seconds == {"train": 1.0, "eval": 2.0}


def test_a_ledger_restored_from_json_goes_on_counting(clock):
    cost = Ledger([4, 2], samples_forwarded=9, samples_swept=7)
    with cost.timed("train"):
        clock[0] += 1.5
    restored = Ledger()
    restored.load_state_dict(json.loads(json.dumps(cost.state_dict())))
    assert restored == cost
    with restored.timed("select"):
        clock[0] += 1.0
    assert restored.seconds == {"train": 1.5, "select": 1.0}


def test_what_was_saved_does_not_change_afterwards():
    cost = Ledger([4])
    saved = cost.state_dict()
    cost.samples_per_epoch.append(1)
    cost.seconds["train"] += 1
    assert (saved["samples_per_epoch"], saved["seconds"]) == ([4], {})
    cost.load_state_dict(saved)
    cost.samples_per_epoch.append(8)
    assert saved["samples_per_epoch"] == [4]
