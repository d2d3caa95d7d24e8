import numpy as np
import pytest
from datasets import Dataset

from hf_dynsel.core import Pool
from hf_dynsel.scores import add_scores
from hf_dynsel.scores.center_distance import CenterDistance
from hf_dynsel.selectors.moderate import Moderate
from hf_dynsel.simulate import simulate
from unchecked_kit import unchecked as unchecked

LINE = np.array([0, 1, 2, 3, 20, 0, 4, 5, 6, 7], np.float32)[:, None]
CLASSES = np.repeat([0, 1], 5)


def distances(features, labels, **settings):
    return CenterDistance(**settings).compute({"features": np.array(features)}, np.array(labels))


def test_distances_are_from_the_median_of_the_class():
    """Medians 2 and 5; the far rows 4 and 5 do not move them."""
    assert distances(LINE, CLASSES).tolist() == [2, 1, 0, 1, 18, 5, 1, 0, 1, 2]


def test_or_from_its_mean():
    """Means 5.2 and 4.4."""
    found = distances(LINE, CLASSES, center="mean")
    np.testing.assert_allclose(
        found, [5.2, 4.2, 3.2, 2.2, 14.8, 4.4, 0.4, 0.6, 1.6, 2.6], rtol=1e-5
    )


@pytest.mark.parametrize(("center", "kept"), [("median", [0, 3, 6, 8]), ("mean", [1, 2, 3, 9])])
def test_moderate_keeps_its_middle(center, kept):
    values = CenterDistance(center=center).values({"features": LINE}, CLASSES)
    pool = Pool(10, {"center_distance": values.astype(np.float32)}, CLASSES)
    assert simulate(Moderate(keep=0.4), pool, 1)[0].indices.tolist() == kept


@pytest.mark.parametrize("center", ["median", "mean"])
def test_it_agrees_with_a_loop_over_classes_in_any_order_of_the_rows(center):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 5)).astype(np.float32)
    labels = rng.integers(0, 4, 60)
    middle = getattr(np, center)
    expected = [
        np.linalg.norm(row - middle(features[labels == label].astype(float), axis=0))
        for row, label in zip(features, labels, strict=True)
    ]
    order = rng.permutation(60)
    found = distances(features[order], labels[order], center=center)
    np.testing.assert_allclose(found, np.array(expected)[order], rtol=1e-5)


def test_a_sample_alone_in_its_class_is_its_centre():
    assert distances([[3.0, 4.0], [1.0, 1.0], [1.0, 3.0]], [0, 1, 1]).tolist() == [0, 1, 1]


def test_the_features_stay_as_they_are():
    features = np.ones((3, 2), np.float32)
    distances(features, [0, 0, 0])
    assert (features == 1).all()


def test_it_is_a_column():
    dataset = Dataset.from_dict({"features": [[0.0], [1.0], [4.0]], "label": [0, 0, 0]})
    scored = add_scores(dataset, [CenterDistance()])
    assert scored["score_center_distance"][:] == pytest.approx([1 / 3, 0, 1])


def test_unlabelled_data_is_refused():
    with pytest.raises(ValueError, match="score 'center_distance' compares a sample with its cl"):
        CenterDistance().compute({"features": LINE}, None)


def test_an_unknown_centre_is_refused(unchecked):
    with pytest.raises(ValueError, match="center must be 'median' or 'mean', got 'mode'"):
        CenterDistance(center="mode")


def test_features_that_are_no_numbers_are_refused_by_row():
    features = LINE.copy()
    features[7] = np.nan
    with pytest.raises(ValueError, match="in 1 rows, the first is row 7"):
        distances(features, CLASSES)
