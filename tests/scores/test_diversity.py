import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.scores import Diversity


def test_worked_example_by_hand(e4):
    """Rar = [.2, 1/3, 1/3, 1, 1, 0]."""
    columns, labels = e4
    raw = Diversity().compute(columns, labels)
    np.testing.assert_allclose(raw, [0.533333, 1.533333, 0.533333, 1.533333, 0.866667], atol=1e-6)
    np.testing.assert_allclose(Diversity().values(columns, labels), [0, 1, 0, 1, 1 / 3])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_it_equals_the_dense_definition_and_adds_up_to_the_units_that_fire(to_columns, seed):
    rng = np.random.default_rng(seed)
    items, units = rng.integers(1, 30), rng.integers(1, 25)
    activity = (rng.random((items, units)) < rng.random(units)).astype(int)
    frequency = activity.sum(0)
    by_hand = sum(
        (activity[:, j] / frequency[j] for j in range(units) if frequency[j]), np.zeros(items)
    )
    raw = Diversity().compute(to_columns(activity), None)
    np.testing.assert_allclose(raw, by_hand)
    assert raw.sum() == pytest.approx((frequency > 0).sum())


def test_labels_play_no_part(e4):
    columns, labels = e4
    labelled, unlabelled = (Diversity().compute(columns, given) for given in (labels, None))
    assert np.array_equal(labelled, unlabelled)
