"""Evaluations in a trainer's log: what they measured, and what had been trained by then."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_dynsel.report.evaluations import evaluations
from hf_dynsel.report.summary import read_summary

# Epochs of 60, 20 and 20 samples in batches of 10: they start at steps 0, 6 and 8; 10 steps.
STARTS = [{"selection/epoch": float(e), "step": s, "epoch": e} for e, s in enumerate((0, 6, 8))]
SIZES = [60, 20, 20]


def evaluated(step: int, epoch: float, **metrics: float) -> dict[str, float]:
    return {**{f"eval_{k}": v for k, v in metrics.items()}, "epoch": epoch, "step": step}


def test_samples_are_those_of_the_epochs_before() -> None:
    log = [
        STARTS[0],
        evaluated(6, 1.0, accuracy=0.5, loss=2.0, runtime=3.0, samples_per_second=9.0),
        *STARTS[1:],
        {"loss": 0.1, "step": 9, "epoch": 2.5},
        evaluated(10, 3.0, accuracy=0.7),
        {"test_accuracy": 0.9, "step": 10, "epoch": 3.0},
    ]
    assert evaluations(log, SIZES, 10) == [
        {"epoch": 1.0, "step": 6, "samples_trained": 60, "accuracy": 0.5, "loss": 2.0},
        {"epoch": 3.0, "step": 10, "samples_trained": 100, "accuracy": 0.7},
    ]


def test_inside_an_epoch_samples_follow_its_steps() -> None:
    """Three of the first epoch's six steps are 30 samples; one of two of the second, 10 more."""
    log = [*STARTS, evaluated(3, 0.5, accuracy=0.1), evaluated(7, 1.5, accuracy=0.2)]
    assert [point["samples_trained"] for point in evaluations(log, SIZES, 10)] == [30, 70]


def test_a_last_epoch_that_is_cut_short_ends_with_its_samples() -> None:
    """The third epoch ends after one of its two steps, with 10 samples."""
    log = [*STARTS, evaluated(9, 2.5, accuracy=0.2)]
    assert evaluations(log, [60, 20, 10], 9)[0]["samples_trained"] == 90


def test_of_two_evaluations_at_one_step_the_later_counts() -> None:
    log = [*STARTS, evaluated(6, 1.0, accuracy=0.1), evaluated(6, 1.0, accuracy=0.2)]
    assert [point["accuracy"] for point in evaluations(log, SIZES, 10)] == [0.2]


def test_an_epoch_that_was_begun_again_starts_where_it_did_last() -> None:
    log = [STARTS[0], {**STARTS[1], "step": 5}, *STARTS[1:], evaluated(6, 1.0, accuracy=0.1)]
    assert evaluations(log, SIZES, 10)[0]["samples_trained"] == 60


def test_a_metric_that_is_not_finite_is_left_out() -> None:
    log = [*STARTS, evaluated(6, 1.0, accuracy=0.1, loss=math.nan)]
    assert "loss" not in evaluations(log, SIZES, 10)[0]


def test_without_evaluations_there_is_no_curve() -> None:
    assert evaluations(STARTS, SIZES, 10) == []


def test_a_summary_keeps_its_curve_and_an_older_one_has_none(
    make_run: Callable[..., Path], tmp_path: Path
) -> None:
    point = {"epoch": 1.0, "step": 6, "samples_trained": 60, "accuracy": 0.5}
    path = make_run(tmp_path, curve=[point]) / "summary.json"
    assert read_summary(path).curve == (point,)
    content = json.loads(path.read_text())
    del content["curve"]
    path.write_text(json.dumps(content))
    assert read_summary(path).curve == ()


@pytest.mark.parametrize("step", [0, 10])
def test_before_and_after_training_samples_are_none_and_all(step: int) -> None:
    log = [*STARTS, evaluated(step, 0.0, accuracy=0.1)]
    assert evaluations(log, SIZES, 10)[0]["samples_trained"] == 10 * step
