"""Statistics of units against loops, and which units stand for one class or for all."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hf_dynsel.figures.material import Material
from hf_dynsel.figures.of_runs import examples
from hf_dynsel.figures.request import Request
from hf_dynsel.figures.unit_images import listed, telling_units, unit_images
from hf_dynsel.figures.unit_statistics import UnitStatistics, active_units
from hf_dynsel.figures.units import class_units

# The activity of the worked example of the scores: five samples, six units, two classes.
ACTIVE = np.array(
    [
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 1, 0, 0],
        [1, 0, 1, 0, 0, 0],
        [1, 0, 1, 0, 1, 0],
        [1, 1, 1, 0, 0, 0],
    ]
)
LABELS = np.array([0, 0, 1, 1, 1])
FIVE = UnitStatistics.of(csr_matrix(2.0 * ACTIVE), LABELS, 2)


def test_the_worked_example():
    assert FIVE.counts.tolist() == [[2, 2, 0, 1, 0, 0], [3, 1, 3, 0, 1, 0]]
    assert FIVE.sizes.tolist() == [2, 3]
    assert FIVE.means.tolist() == [[2, 2, 0, 1, 0, 0], [2, 2 / 3, 2, 0, 2 / 3, 0]]
    assert FIVE.common(0.5).tolist() == [0, 1, 2]


def test_statistics_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    indices = np.stack([rng.permutation(9)[:3] for _ in range(40)])
    values = rng.normal(size=(40, 3)).astype(np.float32)
    labels = rng.integers(0, 4, 40)
    codes = {"sae_indices": indices, "sae_values": values}
    found = UnitStatistics.of(active_units(codes, 9), labels, 5)
    sums, counts = np.zeros((5, 9)), np.zeros((5, 9), int)
    for row in range(40):
        for unit, value in zip(indices[row], values[row], strict=True):
            if value > 0:
                sums[labels[row], unit] += value
                counts[labels[row], unit] += 1
    np.testing.assert_allclose(found.sums, sums)
    np.testing.assert_array_equal(found.counts, counts)
    assert found.sizes[4] == 0 and not found.means[4].any()


def test_coverage_counts_classes_by_their_share_of_the_mean():
    """Alike in both of two classes: 2. In one alone: 1. Never: 0. As 3 to 1: 4 / 3^(3/4)."""
    means = np.array([[1.0, 1.0, 0.0, 3.0], [1.0, 0.0, 0.0, 1.0]])
    found = UnitStatistics(means * 2, (means > 0).astype(int), np.array([2, 2])).coverage
    assert found == pytest.approx([2.0, 1.0, 0.0, 4 / 3**0.75])


def test_sizes_of_classes_do_not_tilt_the_coverage():
    """Every sample of both classes activates the unit; one class has nine times as many."""
    active = csr_matrix(np.ones((10, 1)))
    found = UnitStatistics.of(active, np.array([0] * 9 + [1]), 2)
    assert found.coverage == pytest.approx([2.0])


def test_the_chart_of_a_class_holds_its_units_in_falling_order():
    common = np.array([True, True, True, False, False, False])
    numbers = class_units(FIVE, common, 1, ["a", "b"]).numbers
    assert numbers["firing"] == 4 and numbers["firing_share"] == pytest.approx(4 / 6)
    assert numbers["unit"] == [0, 2, 1, 4]
    assert numbers["mean_activation"] == pytest.approx([2, 2, 2 / 3, 2 / 3])
    assert numbers["samples"] == [3, 3, 1, 1]
    assert numbers["is_common"] == [True, True, True, False]
    assert numbers["common_share_of_activation"] == pytest.approx((2 + 2 + 2 / 3) / (16 / 3))


def test_a_class_that_activates_nothing_is_drawn():
    none = UnitStatistics.of(csr_matrix((2, 3)), np.array([0, 0]), 1)
    assert class_units(none, np.zeros(3, bool), 0, ["a"]).numbers["firing"] == 0


def telling(active, labels, classes, share=1.0):
    active = csr_matrix(np.asarray(active, float))
    return telling_units(UnitStatistics.of(active, labels, classes), active.tocsc(), share)


def test_specific_units_are_of_different_classes_and_universal_ones_of_most():
    """Units 0 and 1 are of class 0, 2 of class 1, 3 of both, 4 of both but less of class 1."""
    rows = [[3, 1, 0, 1, 2], [2, 1, 0, 1, 2], [0, 0, 1, 1, 1], [0, 0, 2, 1, 1]]
    found = telling(rows, np.array([0, 0, 1, 1]), 2)
    assert [(unit.number, unit.kind) for unit in found] == [
        (0, "class-specific"),
        (2, "class-specific"),
        (3, "universal"),
        (4, "universal"),
    ]
    assert found[1].rows.tolist() == [3, 2] and found[1].values.tolist() == [2.0, 1.0]


def test_at_most_nine_samples_are_shown_the_lower_of_equals_first():
    found = telling(np.ones((12, 1)), np.zeros(12, int), 1)
    assert found[0].rows.tolist() == list(range(9))


def test_texts_are_in_the_table_only_where_they_are_given():
    labels = np.array([0, 0, 1, 1])
    found = telling([[1, 0], [2, 0], [0, 1], [0, 1]], labels, 2)
    bare = listed(found, labels, ["a", "b"], None)
    assert bare.rows[0] == ["0", "class-specific", "1.0", "1", "a", "2"]
    full = listed(found, labels, ["a", "b"], ["one", "two  words", "three", "four"])
    assert full.header[-1] == "text" and full.rows[0][-1] == "two words"


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("figure", [examples, unit_images])
def test_texts_are_shown_only_where_the_recipe_allows_it(digits, monkeypatch, figure, shown):
    one = Material(digits, [f"dataset.show_texts={str(shown).lower()}"])
    _ = one.codes, one.labels, one.class_names, one.scored  # before texts take the images' place
    images = one.dataset.remove_columns("image")
    one.__dict__["dataset"] = images.add_column("text", [f"secret {n}" for n in range(240)])
    monkeypatch.setattr(Request, "run", lambda self: one)
    section = figure(Request("", [digits]))
    assert not section.pictures
    assert ("secret" in str(section.tables)) is shown
    assert bool(section.missing) is not shown
