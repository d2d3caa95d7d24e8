"""Each measure of a run, with numbers counted by hand."""

from collections.abc import Sequence
from typing import Any

import pytest

from compare_kit import summary
from hf_dynsel.report.summary import Summary
from hf_dynsel.suite.measures import NAMES, measure_of
from suite_kit import curve


def run(accuracies: Sequence[float] = (), **changes: Any) -> Summary:
    """Four epochs of 10 steps and 30 samples each, evaluated after each epoch."""
    content = summary("RepDiv", 0, 0.5) | {"curve": curve(*accuracies), **changes}
    lists = {name: tuple(content[name]) for name in ("curve", "samples_per_epoch")}
    return Summary(**(content | lists))


def value(name: str, one: Summary, full: Summary | None = None) -> float | None:
    measure = measure_of(name)
    assert measure is not None
    return measure.of(one, full, "accuracy")


def test_accuracy_is_the_metric_at_the_end_in_per_cent() -> None:
    assert value("accuracy", run()) == 50.0


@pytest.mark.parametrize(
    ("name", "found"),
    [("accuracy_at_25", 20.0), ("accuracy_at_50", 30.0), ("accuracy_at_100", 60.0)],
)
def test_accuracy_on_the_way_is_that_of_the_evaluation_there(name: str, found: float) -> None:
    assert value(name, run((0.2, 0.3, 0.5, 0.6))) == pytest.approx(found)


def test_accuracy_between_evaluations_is_interpolated() -> None:
    """62.5 % of 4 epochs is the middle of the third: between 30 % and 50 %."""
    measure = measure_of("accuracy_at_62")
    assert measure is not None
    found = measure.of(run((0.2, 0.3, 0.5, 0.6)), None, "accuracy")
    assert found == pytest.approx(30 + 20 * 0.48)


def test_accuracy_before_the_first_evaluation_is_not_known() -> None:
    assert value("accuracy_at_10", run((0.2, 0.3, 0.5, 0.6))) is None
    assert value("accuracy_at_25", run()) is None


def test_accuracy_of_a_single_evaluation_is_known_there_alone() -> None:
    one = run(curve=[{"epoch": 2.0, "step": 20, "samples_trained": 60, "accuracy": 0.4}])
    assert value("accuracy_at_50", one) == 40.0
    assert value("accuracy_at_75", one) is None


def test_steps_to_90_percent_lie_between_two_evaluations() -> None:
    """Full data ends with 80 %, of which 90 % are 72 %: a fifth of the way from 70 to 80 %."""
    full, one = run((0.6, 0.9, 0.7, 0.8)), run((0.5, 0.7, 0.8, 0.6))
    assert value("step90", one, full) == pytest.approx(22)
    assert value("samples90", one, full) == pytest.approx(66)


def test_a_run_that_is_there_at_once_took_as_long_as_to_its_first_evaluation() -> None:
    assert value("step90", run((0.75, 0.8)), run((0.6, 0.8))) == 10


def test_a_run_that_never_gets_there_has_no_place() -> None:
    full = run((0.6, 0.8))
    assert value("step90", run((0.5, 0.71)), full) is None
    assert value("step90", run((0.5, 0.9))) is None
    assert value("step90", run(), full) is None
    assert value("step90", run((0.5, 0.9)), run()) is None


def test_fewer_samples_are_counted_against_full_data() -> None:
    assert value("speedup_samples", run(samples_trained=120), run(samples_trained=300)) == 2.5
    assert value("speedup_samples", run()) is None


def test_a_speed_up_counts_overhead_and_no_evaluation() -> None:
    """Full data takes 36 s; a run of 2 s of scores, 1 s of selection and 9 s of training, 12 s."""
    full = run(seconds={"train": 36.0, "eval": 5.0})
    one = run(seconds={"scores": 2.0, "select": 1.0, "train": 9.0, "eval": 50.0})
    assert value("speedup", one, full) == 3.0
    assert value("seconds", one) == 12.0
    assert value("overhead", one) == 3.0
    assert value("speedup", one) is None


def test_names_are_those_of_measures() -> None:
    for name in NAMES:
        measure = measure_of(name)
        assert measure is not None
        assert measure.name == name


@pytest.mark.parametrize("name", ["accuracy_at_0", "accuracy_at_101", "accuracy_at_2.5", "loss"])
def test_other_names_are_none(name: str) -> None:
    assert measure_of(name) is None


def test_a_value_is_shown_with_its_unit() -> None:
    shown = {"speedup": "2.50×", "seconds": "12,345.0", "step90": "12,345", "accuracy": "12,345.00"}
    for name, text in shown.items():
        measure = measure_of(name)
        assert measure is not None
        assert measure.show(2.5 if name == "speedup" else 12345.0) == text
