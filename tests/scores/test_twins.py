import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.scores.twins import first_twins


@given(st.integers(0, 2**32 - 1), st.sampled_from(["f2", "f4", "f8", "i1", "i8"]))
def test_each_row_finds_the_lowest_that_equals_it(seed, dtype):
    rng = np.random.default_rng(seed)
    rows = rng.integers(-1, 2, (int(rng.integers(1, 30)), 2)).astype(dtype)
    equal = (rows[:, None] == rows).all(axis=2)
    assert first_twins(rows).tolist() == equal.argmax(axis=1).tolist()


def test_minus_zero_is_zero():
    assert first_twins(np.array([[0.0, 1.0], [-0.0, 1.0]])).tolist() == [0, 0]


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_that_differ_in_the_last_digit_are_no_twins(order):
    """In either order of the memory."""
    rows = np.array([[1.0, 2.0], [1.0, np.nextafter(2.0, 3.0)], [1.0, 2.0]], order=order)
    assert first_twins(rows).tolist() == [0, 1, 0]
