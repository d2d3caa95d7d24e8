import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel import counting
from hf_dynsel.counting import occurrences


@given(st.lists(st.integers(0, 200), min_size=1, max_size=40), st.sampled_from(["i2", "i4", "i8"]))
def test_pieces_are_counted_as_the_whole(values, kind):
    whole = np.bincount(values)
    with_pieces = occurrences(np.array(values, kind))
    assert with_pieces.tolist() == whole.tolist()


def test_a_number_that_only_a_later_piece_has_is_counted(monkeypatch):
    monkeypatch.setattr(counting, "AT_A_TIME", 2)
    assert occurrences(np.array([0, 0, 3, 1, 3])).tolist() == [2, 1, 0, 2]
