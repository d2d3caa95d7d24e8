import numpy as np
import pytest

from hf_dynsel.scores import centred as module
from hf_dynsel.scores.centred import centred, scale


@pytest.mark.parametrize(
    ("largest", "power"), [(0, 0), (1, 0), (1000, 0), (1024, -1), (-2048, -2), (2.0**127, -118)]
)
def test_the_scale_is_a_power_of_two_that_leaves_no_more_than_1024(largest, power):
    assert scale(np.array([[0.5, largest]], np.float32)) == 2.0**power


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1"])
def test_the_blocks_together_are_the_rows_less_their_mean(dtype, monkeypatch):
    """In blocks of two rows; the mean of the columns is 3 and 6."""
    monkeypatch.setattr(module, "BLOCK_ENTRIES", 4)
    rows = np.array([[1, 2], [2, 4], [3, 6], [4, 8], [5, 10]], dtype)
    parts = list(centred(rows))
    assert [part.start for part, _ in parts] == [0, 2, 4]
    moved = [[-2, -4], [-1, -2], [0, 0], [1, 2], [2, 4]]
    assert np.concatenate([block for _, block in parts]).tolist() == moved


def test_the_largest_numbers_of_half_precision_stay_finite():
    rows = np.array([[65504.0], [-65504.0], [60000.0]], np.float16)
    assert all(np.isfinite(block).all() for _, block in centred(rows))
