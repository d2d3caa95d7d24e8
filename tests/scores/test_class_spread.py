import numpy as np
import pytest
from datasets import Dataset

from hf_dynsel.scores import add_scores
from hf_dynsel.scores.class_spread import ClassSpread


def around(*degrees):
    """Points of the unit circle; those `a` degrees apart are at a distance of 2 sin(a / 2)."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def spread(features, labels, **settings):
    return ClassSpread(**settings).compute({"features": features}, np.array(labels))


def test_neighbours_are_of_the_same_class():
    """Row 1 is next to row 2, but of another class; pairs are 60 and 180 degrees apart."""
    found = spread(around(0, 60, 61, 241), [0, 0, 1, 1])
    np.testing.assert_allclose(found, [1, 1, 2, 2], rtol=1e-5)


def test_the_mean_is_over_the_nearest_and_the_sample_itself_does_not_count():
    """At 0, 60 and 180 degrees: 1 and 2; 1 and sqrt(3); 2 and sqrt(3)."""
    points = around(0, 60, 180)
    np.testing.assert_allclose(spread(points, [0, 0, 0], neighbors=1), [1, 1, 3**0.5], rtol=1e-5)
    twos = [1.5, (1 + 3**0.5) / 2, (2 + 3**0.5) / 2]
    np.testing.assert_allclose(spread(points, [0, 0, 0], neighbors=2), twos, rtol=1e-5)


def test_a_class_with_too_few_has_as_many_neighbours_as_there_are():
    points = around(0, 60, 180)
    np.testing.assert_array_equal(
        spread(points, [0, 0, 0], neighbors=50), spread(points, [0, 0, 0], neighbors=2)
    )


def test_a_sample_alone_in_its_class_is_as_spread_as_the_most_spread_other():
    assert spread(around(0, 60, 90, 20, 200), [0, 0, 1, 2, 2])[2] == pytest.approx(2)
    assert spread(around(0, 90), [0, 1]).tolist() == [0, 0]


def test_duplicates_have_no_spread():
    assert spread(around(5, 5, 5), [0, 0, 0]).tolist() == [0, 0, 0]


def test_lengths_do_not_matter():
    points, lengths = around(0, 60, 180), np.array([[1.0], [7.0], [0.1]], np.float32)
    np.testing.assert_allclose(
        spread(points * lengths, [0, 0, 0]), spread(points, [0, 0, 0]), rtol=1e-5
    )


@pytest.mark.parametrize(("size", "wanted"), [(4, 1), (25, 2), (26, 3), (60, 6), (1200, 100)])
def test_by_default_a_tenth_of_the_class_are_neighbours(size, wanted):
    """From 1 to 100, rounded to the nearest; in any order of the rows."""
    rng = np.random.default_rng(size)
    features = rng.normal(size=(size + 5, 3)).astype(np.float32)
    labels = rng.permutation(np.r_[np.zeros(size, int), np.ones(5, int)])
    own = features[labels == 0].astype(float)
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    gaps = np.sqrt(np.maximum(2 - 2 * own @ own.T, 0))
    expected = np.sort(gaps, axis=1)[:, 1 : wanted + 1].mean(axis=1)
    np.testing.assert_allclose(spread(features, labels)[labels == 0], expected, rtol=1e-3)


def test_it_is_a_column():
    rows = around(0, 60, 61, 241).tolist()
    scored = add_scores(
        Dataset.from_dict({"features": rows, "label": [0, 0, 1, 1]}), [ClassSpread()]
    )
    assert scored["score_class_spread"][:] == pytest.approx([0, 0, 1, 1], abs=1e-5)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="score 'class_spread' compares a sample with its class"):
        ClassSpread().compute({"features": around(0, 60)}, None)
    with pytest.raises(ValueError, match="neighbors must be at least 1, got 0"):
        ClassSpread(neighbors=0)
    features = around(0, 60, 70)
    features[2] = np.inf
    with pytest.raises(ValueError, match="in 1 rows, the first is row 2"):
        spread(features, [0, 1, 1])
