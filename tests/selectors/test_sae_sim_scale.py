import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors.sae_sim_scale import SAESimScale

SETS = [{0, 1, 2}, {0, 1}, {3}, {2, 3, 4}, {0, 1, 2}]


def codes(sets: list[set[int]]) -> dict[str, np.ndarray]:
    """The two columns, with units at zero to fill the rows."""
    width = max(1, *map(len, sets))
    indices, values = np.zeros((len(sets), width), np.int32), np.zeros((len(sets), width))
    for row, units in enumerate(sets):
        indices[row, : len(units)] = sorted(units)
        values[row, : len(units)] = 0.5
    return {"sae_indices": indices, "sae_values": values}


def chosen(sets: list[set[int]], **hyperparameters: object) -> list[int]:
    selector = SAESimScale(**hyperparameters)
    selector.setup(Pool(len(sets), columns=codes(sets)), 3)
    return selector.select(0).indices.tolist()


@pytest.mark.parametrize("threshold", [0.8, 0.5])
def test_worked_example(threshold):
    """Of the five, rows 0 and 3 pass; the others follow by their number of units: 4, 1 and 2."""
    assert chosen(SETS, threshold=threshold, keep=0.4) == [0, 3]
    assert chosen(SETS, threshold=threshold, keep=1.0) == [0, 3, 4, 1, 2]


def test_the_share_must_be_below_the_threshold():
    """Of the five units of row 1, four are covered: a share of 0.8 exactly."""
    sets = [{0, 1, 2, 3, 4}, {0, 1, 2, 3, 5}, {9}]
    assert chosen(sets, keep=1.0, threshold=0.8) == [0, 2, 1]
    assert chosen(sets, keep=1.0, threshold=0.81) == [0, 1, 2]


def literal(sets, count, threshold):
    ranked = sorted(range(len(sets)), key=lambda row: (-len(sets[row]), row))
    covered, passed = set(), []
    for row in ranked:
        if sets[row] and len(sets[row] & covered) / len(sets[row]) < threshold:
            passed.append(row)
            covered |= sets[row]
    return (passed + [row for row in ranked if row not in passed])[:count]


@given(
    st.lists(st.sets(st.integers(0, 15), max_size=10), min_size=1, max_size=30),
    st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0]),
    st.floats(0.01, 1.0),
)
@settings(max_examples=150, deadline=None)
def test_it_chooses_as_the_definition_does(sets, threshold, keep):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hf_dynsel.selectors.sae_sim_scale.CHUNK", 3)
        found = chosen(sets, threshold=threshold, keep=keep)
    assert found == literal(sets, len(found), threshold)


def test_random_ties_depend_on_the_seed():
    sets = [set(range(4 * row, 4 * row + 4)) for row in range(500)]
    first, second = (chosen(sets, tie_break="random", seed=seed) for seed in (0, 1))
    assert chosen(sets) == list(range(150))
    assert first != second
    assert 200 < np.mean(first) < 300


@pytest.mark.parametrize("threshold", [0.0, 1.01, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(ValueError, match=rf"threshold must be in \(0, 1\], got {threshold}"):
        chosen(SETS, threshold=threshold)
