import numpy as np
import pytest
from datasets import Dataset

from hf_dynsel.scores import Density, add_scores, minmax
from hf_dynsel.scores.density import density, unit

# Two tight pairs of clusters and a lone point, for k = 2. Item 1 is 0.1 from item 0 and
# 0.1 * sqrt(2) from item 2; item 3 is 0.2 from item 4 and 2.9 from item 1; item 5 is 4.9 from
# item 2 and 5 from item 0.
FEATURES = np.array([(0, 0), (0.1, 0), (0, 0.1), (3, 0), (3.2, 0), (0, 5)])
MEANS = [0.1, 0.120711, 0.120711, 1.55, 1.65, 4.95]
SCALED = [0, 0.00427, 0.00427, 0.298969, 0.319588, 1]


@pytest.mark.parametrize("backend", ["auto", "exact", "hnsw"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_worked_example_by_hand(backend, kind):
    means = density(FEATURES.astype(kind), 2, backend)
    np.testing.assert_allclose(means, MEANS, rtol=1e-5)
    np.testing.assert_allclose(minmax(means), SCALED, atol=1e-6)


def test_the_densest_item_scores_lowest_and_the_loneliest_highest():
    means = density(FEATURES, 2)
    assert (means.argmin(), means.argmax()) == (0, 5)


def test_unit_rows_have_length_one_and_rows_of_zeros_stay_zero():
    rows = unit(np.array([[3, 4], [0, 0], [0, -1e-20]], np.float32))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-6)


def test_unit_leaves_its_argument_alone():
    rows = np.array([[3.0, 4.0]])
    unit(rows)
    assert rows.tolist() == [[3, 4]]


def test_the_score_compares_directions():
    """At 0, 90 and 180 degrees: the middle one is sqrt(2) from both others, which are 2 apart."""
    columns = {"features": np.array([[1, 0], [0, 50], [-3, 0]], np.float32)}
    raw = Density(neighbors=2).compute(columns, None)
    np.testing.assert_allclose(raw, [(2**0.5 + 2) / 2, 2**0.5, (2**0.5 + 2) / 2], rtol=1e-6)
    np.testing.assert_allclose(Density(neighbors=2).values(columns, None), [1, 0, 1], atol=1e-6)


def test_ranks_are_not_ruled_by_one_far_item():
    """The first five are within 30 degrees, a tenth of a degree and more apart; one is opposite."""
    degrees = np.radians([0, 0.1, 0.3, 10, 30, 180])
    columns = {"features": np.stack([np.cos(degrees), np.sin(degrees)], axis=1)}
    by_range, by_rank = (
        Density(neighbors=1, normalize=how).values(columns, None) for how in ("minmax", "rank")
    )
    assert by_range[:4].max() < 0.1
    np.testing.assert_allclose(by_rank, [0.1, 0.1, 0.4, 0.6, 0.8, 1])


def test_labels_play_no_part():
    columns = {"features": FEATURES}
    labelled, unlabelled = (
        Density(neighbors=2).compute(columns, labels) for labels in (np.arange(6), None)
    )
    assert np.array_equal(labelled, unlabelled)


def test_it_is_a_column_with_its_settings_noted():
    rows = [[1.0, 0.0], [0.9, 0.1], [0.8, 0.3], [-1.0, 0.2]]
    scored = add_scores(Dataset.from_dict({"features": rows}), [Density(neighbors=1)])
    assert int(np.argmax(scored["score_density"])) == 3
    assert Density(neighbors=1).config() == {
        "normalize": "minmax",
        "neighbors": 1,
        "backend": "auto",
        "seed": 0,
    }


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused_by_row(bad):
    features = np.ones((5, 2), np.float32)
    features[3, 1] = bad
    with pytest.raises(ValueError, match="NaN or an infinity in 1 rows, the first is row 3"):
        Density(neighbors=2).compute({"features": features}, None)


def test_fewer_items_than_neighbours_are_refused():
    with pytest.raises(ValueError, match="10 neighbors .* at least 11 samples, but there are 6"):
        Density().compute({"features": FEATURES}, None)
