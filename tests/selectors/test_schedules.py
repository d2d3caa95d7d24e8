import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.selectors.schedules import falling_sigmoid, full_epochs

EPOCHS = (1, 20, 40, 80, 120, 160, 170, 200)


def test_the_weight_falls_as_in_the_paper_when_time_is_a_fraction_of_the_run():
    expected = (0.997921, 0.994646, 0.985611, 0.904638, 0.6, 0.295362, 0.260687, 0.214389)
    got = [falling_sigmoid(t / 200, 0.2, 0.6, 10.0) for t in EPOCHS]
    assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("unit", "midpoint", "expected"),
    [
        (1, 0.6, (0.596, 0.419904, 0.297911, 0.214819, 0.202038, 0.200276, 0.200168, 0.200037)),
        (200, 0.6, (0.60595, 0.605, 0.604, 0.602, 0.6, 0.598, 0.5975, 0.596)),
        (1, 120, (0.997921, 0.994646, 0.985611, 0.904638, 0.6, 0.295362, 0.260687, 0.214389)),
    ],
)
def test_other_readings_of_the_papers_sharpness(unit, midpoint, expected):
    """Time in epochs or in runs, with the printed sharpness of 0.05."""
    got = [falling_sigmoid(t / unit, 0.2, float(midpoint), 0.05) for t in EPOCHS]
    assert got == pytest.approx(expected, abs=1e-6)


def test_a_steep_schedule_is_a_step():
    assert falling_sigmoid(0.0, 0.2, 0.6, 1e6) == 1.0
    assert falling_sigmoid(1.0, 0.2, 0.6, 1e6) == 0.2


@given(
    time=st.floats(0, 1), low=st.floats(0, 1), midpoint=st.floats(0, 1), sharpness=st.floats(0, 50)
)
def test_the_weight_is_one_minus_a_sigmoid(time, low, midpoint, sharpness):
    sigmoid = 1 / (1 + math.exp(-sharpness * (time - midpoint)))
    weight = falling_sigmoid(time, low, midpoint, sharpness)
    assert weight == pytest.approx(low + (1 - low) * (1 - sigmoid), abs=1e-12)


@pytest.mark.parametrize(
    ("epochs", "full"), [(3, 1), (10, 2), (20, 3), (50, 8), (90, 14), (200, 30)]
)
def test_fifteen_percent_of_the_epochs_rounded_up(epochs, full):
    assert full_epochs(0.15, epochs) == full


def test_full_epochs_are_exact_where_floats_are_one_off():
    """The paper's test t > (1 - share) * T, in floats, is wrong for 42 of these pairs."""
    wrong = 0
    for hundredths in range(1, 100):
        for epochs in (10, 20, 50, 90, 100, 200):
            exact = sum(100 * t > (100 - hundredths) * epochs for t in range(1, epochs + 1))
            naive = sum(t > (1 - hundredths / 100) * epochs for t in range(1, epochs + 1))
            wrong += naive != exact
            assert full_epochs(hundredths / 100, epochs) == exact
    assert wrong == 42


@given(thousandths=st.integers(0, 1000), epochs=st.integers(1, 2000))
def test_full_epochs_are_those_of_exact_fractions(thousandths, epochs):
    exact = math.ceil(Fraction(thousandths, 1000) * epochs)
    assert full_epochs(thousandths / 1000, epochs) == exact
