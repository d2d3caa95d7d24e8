"""When a method reaches an accuracy, by hand, and a clock that leaves evaluations out."""

import time

import numpy as np
import pytest

from hf_dynsel.bench.course import Clock, Courses

COURSES = Courses(
    seconds=np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]]),
    accuracy=np.array([[0.5, 0.9, 0.8], [0.3, 0.5, 0.9]]),
)


def test_the_mark_is_the_mean_end_less_a_standard_deviation():
    """0.8 and 0.9 are 0.85 on average and sqrt(2 * 0.05^2) apart."""
    assert COURSES.mark == pytest.approx(0.85 - 0.05 * 2**0.5)


def test_one_seed_has_no_spread():
    assert Courses(COURSES.seconds[:1], COURSES.accuracy[:1]).mark == 0.8


@pytest.mark.parametrize(("mark", "seconds"), [(0.4, 2.0), (0.41, 3.0), (0.85, 4.0), (0.86, None)])
def test_a_mark_is_reached_at_the_first_epoch_whose_mean_is_as_high(mark, seconds):
    assert COURSES.seconds_to(mark) == seconds


def test_a_whole_training_takes_its_last_epochs_seconds():
    assert COURSES.end == 4.0


def test_a_clock_counts_what_comes_before_training_and_not_the_evaluations(monkeypatch):
    """Made at 0; epochs end at 10 and 115, and an evaluation lasts from 10 to 110."""
    times = iter([0.0, 10.0, 110.0, 115.0, 130.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(times))
    clock = Clock()
    for accuracy in (0.5, 0.6):
        clock.on_epoch_end()
        clock.on_evaluate(metrics={"eval_accuracy": accuracy})
    assert clock.seconds == [10.0, 15.0]
    assert clock.accuracy == [0.5, 0.6]
