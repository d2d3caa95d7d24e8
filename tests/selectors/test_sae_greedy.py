import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors.feature_sets import FeatureSets
from hf_dynsel.selectors.sae_greedy import SAEGreedy, greedy_cover

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
    selector = SAEGreedy(**hyperparameters)
    selector.setup(Pool(len(sets), columns=codes(sets)), 3)
    return selector.select(0).indices.tolist()


def literal(sets, count):
    """The definition: every gain anew, and the first of the largest."""
    covered, order, left = set(), [], list(range(len(sets)))
    while len(order) < count:
        gains = [len(sets[row] - covered) for row in left]
        if max(gains) == 0 and covered:
            covered = set()
            continue
        order.append(left.pop(int(np.argmax(gains))))
        covered |= sets[order[-1]]
    return order


@pytest.mark.parametrize(("keep", "order"), [(0.4, [0, 3]), (0.8, [0, 3, 4, 2])])
def test_worked_example(keep, order):
    """Rows 0 and 3 cover all; then it starts again, with row 4 and then 2, of 1 new unit."""
    assert chosen(SETS, keep=keep) == order


@st.composite
def pools(draw):
    units = st.sets(st.integers(0, draw(st.integers(0, 12))), max_size=6)
    return draw(st.lists(units, min_size=1, max_size=30))


@given(pools(), st.data())
@settings(max_examples=150, deadline=None)
def test_counting_by_levels_chooses_as_counting_all_anew_does(sets, data):
    count = data.draw(st.integers(1, len(sets)))
    columns = codes(sets)
    found = FeatureSets.of(columns["sae_indices"], columns["sae_values"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hf_dynsel.selectors.sae_greedy.CHUNK", 3)
        rows = greedy_cover(found, np.arange(len(sets)), count)
    assert rows.tolist() == literal(sets, count)


def test_a_unit_is_active_where_its_value_is_above_zero_and_counts_once():
    indices = np.array([[4, 4, 2], [1, 0, 0]], np.int32)
    sets = FeatureSets.of(indices, np.array([[1.0, 0.5, -3.0], [0.0, 0.0, 0.0]]))
    assert sets.new(np.arange(2), sets.nothing_covered()).tolist() == [1, 0]


def test_samples_without_an_active_unit_come_last():
    assert chosen([set(), {1}, set(), {1}, {1, 2}], keep=1.0) == [4, 1, 3, 0, 2]


def test_random_ties_depend_on_the_seed_and_are_not_in_the_order_of_the_data():
    """500 samples with 4 units of their own each: all tie."""
    sets = [set(range(4 * row, 4 * row + 4)) for row in range(500)]
    first, second = (chosen(sets, tie_break="random", seed=seed) for seed in (0, 1))
    assert chosen(sets) == list(range(150))
    assert first != second
    assert 200 < np.mean(first) < 300


def test_codes_of_different_shapes_are_refused():
    columns = {"sae_indices": np.zeros((3, 2), np.int32), "sae_values": np.zeros((3, 4))}
    with pytest.raises(ValueError, match=r"shape \(3, 2\) and 'sae_values' \(3, 4\)"):
        SAEGreedy().setup(Pool(3, columns=columns), 3)


def test_a_pool_without_codes_is_refused():
    with pytest.raises(ValueError, match="no column 'sae_indices'"):
        SAEGreedy().setup(Pool(3), 3)
