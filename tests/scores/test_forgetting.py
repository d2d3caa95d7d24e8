"""Forgetting: worked numbers, and a literal recount."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hf_dynsel.core import Feedback
from hf_dynsel.scores.forgetting import Forgetting
from score_kit import finished


def counted(correct, presented=None):
    """Scores a table of right (1) and wrong (0): a row per sample, a column per epoch."""
    table = np.asarray(correct, np.float32)
    presented = np.ones(table.shape, bool) if presented is None else presented
    reports = []
    for epoch, (right, shown) in enumerate(zip(table.T, presented.T, strict=True)):
        rows = np.flatnonzero(shown)
        if len(rows):
            reports.append(Feedback(epoch, rows, {"correct": right[rows]}))
    return finished(Forgetting(), len(table), reports)


def test_worked_numbers():
    """E20: 010110 is forgotten twice; the third row is never learned, in six presentations."""
    rows = ("010110", "111111", "000000", "001111")
    assert counted([[int(right) for right in row] for row in rows]).tolist() == [2, 0, 6, 0]


@given(data=st.data(), samples=st.integers(1, 5), epochs=st.integers(1, 7))
def test_counts_are_those_of_a_literal_recount(data, samples, epochs):
    """Presentations may skip epochs, as under a selector that changes its subset."""
    correct = data.draw(arrays(bool, (samples, epochs)))
    presented = data.draw(arrays(bool, (samples, epochs)))
    expected = []
    for right, shown in zip(correct, presented, strict=True):
        seen = [bool(r) for r, s in zip(right, shown, strict=True) if s]
        events = sum(before and not after for before, after in zip(seen, seen[1:], strict=False))
        expected.append((events if any(seen) else len(seen)) if seen else np.nan)
    np.testing.assert_array_equal(counted(correct, presented), expected)


def test_never_learned_counts_more_than_any_sample_that_was():
    always_forgotten, never = counted([[1, 0] * 4, [0] * 8])
    assert always_forgotten == 4
    assert never == 8


def test_a_sample_that_is_partly_right_is_refused():
    with pytest.raises(ValueError, match="one is 0.25 right: it is for one class per sample"):
        counted([[0.25]])
