import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.scores import add_scores
from hf_dynsel.scores import prototype_distance as module
from hf_dynsel.scores.prototype_distance import PrototypeDistance, cluster, distances
from unchecked_kit import unchecked as unchecked

ROWS = np.array([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [0.0, 1.0], [-0.6, 0.8]])
OWN = np.array([0, 0, 0, 1, 1])
MEANS = np.array([[0.8, 1.4 / 3], [-0.3, 0.9]])


def score(features, labels=None, **settings):
    features = np.asarray(features, np.float32)
    return PrototypeDistance(**settings).compute({"features": features}, labels)


def test_the_cosine_distance_is_from_the_mean_of_the_cluster():
    found = distances(ROWS, MEANS, OWN, "cosine")
    np.testing.assert_allclose(found, [0.136221, 0.006654, 0.078636, 0.051317, 0.051317], atol=1e-6)
    assert sorted(np.argsort(-found)[:2]) == [0, 2]


def test_or_the_euclidean_one():
    """Row 3 is (0.3, 0.1) from its mean, and so is row 4 on the other side."""
    found = distances(ROWS, MEANS, OWN, "euclidean")
    np.testing.assert_allclose(found[3:], [0.1**0.5] * 2)


def blobs(metric):
    """Two clusters, of 4 and 6 rows, in the directions or at the places (1, 0) and (0, 1)."""
    rng = np.random.default_rng(0)
    centres = np.repeat([[1.0, 0.0], [0.0, 1.0]], [4, 6], axis=0)
    lengths = rng.uniform(1, 9, (10, 1)) if metric == "cosine" else 1
    return (centres + rng.normal(size=(10, 2)) * 0.01) * lengths, np.repeat([0, 1], [4, 6])


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_clusters_are_found_without_labels(metric):
    features, own = blobs(metric)
    scaled = features / np.linalg.norm(features, axis=1, keepdims=True)
    compared = scaled if metric == "cosine" else features
    means = np.array([compared[own == c].mean(0) for c in (0, 1)])
    np.testing.assert_allclose(
        score(features, clusters=2, metric=metric),
        distances(features, means, own, metric),
        atol=1e-5,
    )


def test_there_are_as_many_clusters_as_classes_and_else_the_root_of_the_rows(monkeypatch):
    asked = []

    def noted(features, clusters, seed):
        asked.append(clusters)
        return features[:1], np.zeros(len(features), int)

    monkeypatch.setattr(module, "cluster", noted)
    rows = np.random.default_rng(0).normal(size=(50, 3))
    score(rows, np.arange(50) % 4)
    score(rows)
    score(rows, np.arange(50) % 4, clusters=9)
    score(rows, clusters=90)
    assert asked == [4, 7, 9, 50]


def test_prototypes_are_the_means_of_the_rows_nearest_to_them():
    rows = np.random.default_rng(1).normal(size=(200, 3)).astype(np.float32)
    means, nearest = cluster(rows, 5, 0)
    gaps = np.linalg.norm(rows[:, None] - means, axis=2)
    np.testing.assert_array_equal(gaps.argmin(1), nearest)
    for number in range(5):
        np.testing.assert_allclose(rows[nearest == number].mean(0), means[number], atol=1e-3)


def test_beyond_a_number_of_rows_k_means_goes_by_small_batches(monkeypatch):
    monkeypatch.setattr(module, "WHOLE_ROWS", 9)
    features, _ = blobs("cosine")
    assert score(features, clusters=2).max() < 0.01


@given(rows=st.lists(st.sampled_from([0.0, 1.0, -2.0]), min_size=1, max_size=8))
@settings(max_examples=20, deadline=None)
def test_duplicates_and_rows_of_zeros_have_finite_distances(rows):
    features = np.stack([rows, np.abs(rows)], axis=1)
    for metric in ("cosine", "euclidean"):
        found = score(features, clusters=4, metric=metric)
        assert np.isfinite(found).all() and (found >= -1e-6).all()


def test_a_row_of_zeros_has_a_cosine_of_zero():
    assert distances(np.zeros((1, 2)), np.ones((1, 2)), np.zeros(1, int), "cosine") == [1.0]


def test_chunks_do_not_change_a_distance(monkeypatch):
    whole = distances(ROWS, MEANS, OWN, "cosine")
    monkeypatch.setattr(module, "CHUNK_ENTRIES", 4)
    np.testing.assert_array_equal(distances(ROWS, MEANS, OWN, "cosine"), whole)


def test_a_seed_gives_the_same_again():
    rows = np.random.default_rng(1).normal(size=(100, 3))
    np.testing.assert_array_equal(score(rows, clusters=7), score(rows, clusters=7))


def test_it_is_a_column():
    features, own = blobs("cosine")
    dataset = Dataset.from_dict({"features": features.tolist(), "label": own.tolist()})
    scored = np.array(add_scores(dataset, [PrototypeDistance()])["score_prototype_distance"])
    assert (scored.min(), scored.max()) == (0, 1)


def test_settings_out_of_range_are_refused(unchecked):
    with pytest.raises(ValueError, match="metric must be 'cosine' or 'euclidean', got 'dot'"):
        PrototypeDistance(metric="dot")
    with pytest.raises(ValueError, match="clusters must be at least 1, got 0"):
        PrototypeDistance(clusters=0)
    with pytest.raises(ValueError, match="the features hold NaN .* in 1 rows, the first is row 1"):
        score([[1.0], [np.nan], [2.0]])
