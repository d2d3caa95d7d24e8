import numpy as np

from hf_dynsel.scaling import minmax


def test_values_span_zero_to_one_in_their_own_precision():
    scaled = minmax(np.array([3.0, 1.0, 5.0], dtype=np.float32))
    np.testing.assert_array_equal(scaled, np.array([0.5, 0.0, 1.0], dtype=np.float32))
    assert scaled.dtype == np.float32


def test_a_constant_becomes_zeros():
    np.testing.assert_array_equal(minmax(np.full(3, 7.0)), np.zeros(3))


def test_scaling_twice_changes_nothing():
    values = np.array([1.0, 0.8, 0.5, 0.4, 0.2, 0.0])
    np.testing.assert_array_equal(minmax(values), values)
