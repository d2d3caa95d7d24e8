"""The map of codes and the similarity of classes."""

import sys
from types import ModuleType

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hf_dynsel.figures.codes import code_map, codes, cosines, ordered, points, similarity
from hf_dynsel.figures.projection import tsne, umap
from hf_dynsel.figures.request import Request

VECTORS = csr_matrix(np.random.default_rng(0).random((40, 12)))


def test_the_cosine_of_mean_codes():
    """(3, 4) and (4, 3): 24 / 25; (3, 4) and (0, 2): 4 / 5."""
    found = cosines(np.array([[3.0, 4.0], [4.0, 3.0], [0.0, 2.0]]))
    assert found[0] == pytest.approx([1, 24 / 25, 4 / 5])


def test_similar_classes_stand_side_by_side():
    means = np.array([[1.0, 0, 0.1], [0, 1.0, 0], [1.0, 0, 0], [0.1, 1.0, 0]])
    order = ordered(cosines(means)).tolist()
    assert abs(order.index(0) - order.index(2)) == abs(order.index(1) - order.index(3)) == 1


@pytest.mark.parametrize("count", [1, 2, 45])
def test_any_number_of_classes_is_drawn(count):
    names = [f"class {number}" for number in range(count)]
    picture = similarity(np.eye(count) + 0.1, names)
    assert sorted(picture.numbers["classes"]) == sorted(names)
    assert np.diag(picture.numbers["cosine"]) == pytest.approx(np.ones(count))


def test_samples_without_an_active_unit_are_not_mapped(monkeypatch):
    active = csr_matrix(np.array([[1.0, 0], [0, 0], [0, 2], [3, 0], [1, 1]]))
    labels = np.array([0, 0, 1, 2, 1])
    assert points(active, labels, [0, 1], seed=0).tolist() == [0, 2, 4]
    monkeypatch.setattr("hf_dynsel.figures.codes.MOST_POINTS", 2)
    assert len(points(active, labels, [0, 1], seed=0)) == 2


def test_each_class_has_a_look_of_its_own():
    labels = np.arange(12)
    names = [f"class {number}" for number in range(12)]
    picture = code_map(np.zeros((12, 2)), labels, labels, names, "tsne")
    looks = {
        (tuple(group.get_facecolor()[0]), str(group.get_paths()[0].vertices.tolist()))
        for group in picture.figure.axes[0].collections
    }
    assert len(looks) == 12
    assert picture.numbers["class"] == names


def test_only_the_classes_that_were_asked_for_are_shown(digits):
    request = Request("codes", [digits], classes=["3", "5", "8"], projection="tsne")
    chart, matrix = codes(request).pictures
    assert set(chart.numbers["class"]) == set(matrix.numbers["classes"]) == {"3", "5", "8"}


def test_the_same_seed_gives_the_same_map():
    np.testing.assert_array_equal(tsne(VECTORS, 1), tsne(VECTORS, 1))
    assert tsne(VECTORS, 1).shape == (40, 2)


def test_umap_is_asked_for_the_cosine_with_a_seed_and_one_thread(monkeypatch):
    asked = {}

    class Model:
        def __init__(self, **settings):
            asked.update(settings)

        def fit_transform(self, vectors):
            return np.zeros((vectors.shape[0], 2), np.float32)

    package = ModuleType("umap")
    package.UMAP = Model
    monkeypatch.setitem(sys.modules, "umap", package)
    assert umap(VECTORS, 7).shape == (40, 2)
    expected = {"n_neighbors": 15, "metric": "cosine", "random_state": 7, "n_jobs": 1}
    assert asked == expected


def test_without_umap_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match=r"pip install 'hf-dynsel\[figures\]'"):
        umap(VECTORS, 0)


@pytest.mark.slow
def test_umap_itself_keeps_two_groups_apart():
    """It compiles for tens of seconds."""
    groups = np.random.default_rng(0).random((60, 8)) * 0.1
    groups[:30, :4] += 1
    groups[30:, 4:] += 1
    found = umap(csr_matrix(groups), 0)
    np.testing.assert_array_equal(found, umap(csr_matrix(groups), 0))
    centres = found[:30].mean(axis=0), found[30:].mean(axis=0)
    for rows, own, other in ((found[:30], *centres), (found[30:], *centres[::-1])):
        assert (np.linalg.norm(rows - own, axis=1) < np.linalg.norm(rows - other, axis=1)).all()
