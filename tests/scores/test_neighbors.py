"""Both backends against a table of all pairs, in float64, of the features as given."""

import subprocess
import sys
from types import SimpleNamespace

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.overrides import TorchFunctionMode

from hf_dynsel.data.idx import DEBIAN
from hf_dynsel.data.idx_format import read_idx
from hf_dynsel.scores import exact_neighbors, hnsw_neighbors
from hf_dynsel.scores.density import unit
from hf_dynsel.scores.neighbors import EXACT_ROWS, faster, search

SPACES = ("plain", "duplicates", "grid", "far", "near duplicates", "outlier", "one point")


def twin(features, k):
    """The definition: every distance, itself left out by its id."""
    points = features.astype(np.float64)
    table = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    np.fill_diagonal(table, np.inf)
    return np.sort(table, axis=1)[:, :k]


def make(space, rng, n, d):
    """Points that are hard in one way, on the scale of one."""
    points = rng.standard_normal((n, d))
    match space:
        case "duplicates":
            points = points[rng.integers(0, max(1, n // 4), n)]
        case "grid":
            points = rng.integers(0, 3, (n, d)).astype(float)  # many equal distances
        case "far":
            points += 10_000
        case "near duplicates":
            points = points[rng.integers(0, 2, n)] + 1e-6 * rng.standard_normal((n, d))
        case "outlier":
            points[0] = 1e6
        case "one point":
            points[:] = points[0]
    return points


@given(
    st.sampled_from(SPACES), st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64])
)
@settings(max_examples=100, deadline=None)
def test_exact_equals_the_table_of_all_pairs(space, seed, kind):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 120)), int(rng.integers(1, 20))
    k = int(rng.choice([1, n // 2, n - 1])) or 1
    points = make(space, rng, n, d).astype(kind)
    found = search(points, k, "exact")
    assert found.distances.dtype == kind
    np.testing.assert_allclose(found.distances, twin(points, k), rtol=1e-5, atol=0)


@given(st.sampled_from(SPACES), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_hnsw_equals_the_table_of_all_pairs_where_its_effort_covers_them(space, seed):
    """Up to 60 rows and an effort of 64: only what float32 cannot tell apart may be missed."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 60)), int(rng.integers(1, 20))
    k = int(rng.choice([1, n // 2, n - 1])) or 1
    points = make(space, rng, n, d).astype(np.float32)
    found = search(points, k, "hnsw")
    spread = np.abs(points - points.mean(axis=0)).max()
    np.testing.assert_allclose(found.distances, twin(points, k), rtol=1e-5, atol=1e-6 * spread)


@pytest.mark.parametrize("backend", ["exact", "hnsw"])
def test_duplicates_are_neighbours_at_distance_zero_of_one_another(backend):
    """Three rows at 0, one at 3 and one at 7."""
    points = np.array([[0.0], [0.0], [3.0], [0.0], [7.0]])
    found = search(points, 3, backend).distances.tolist()
    assert found == [[0, 0, 3], [0, 0, 3], [3, 3, 3], [0, 0, 3], [4, 7, 7]]


def test_many_more_near_duplicates_than_candidates_are_told_apart():
    """500 points on a line, a millionth apart, one unit from the mean of all: products in float32
    cannot order them, and the candidates are widened until all are among them."""
    line = np.zeros((1000, 8), np.float64)
    line[:500, 0], line[500:, 0] = 1 + 1e-6 * np.arange(500), -1 - 1e-6 * np.arange(500)
    np.random.default_rng(0).shuffle(line)
    found = search(line, 2, "exact").distances
    assert np.allclose(np.sort(found[:, 0]), 1e-6, rtol=1e-5)
    assert np.isclose(found[:, 1], 2e-6, rtol=1e-5).sum() == 4  # the ends of the two lines


@pytest.fixture(scope="session")
def images():
    """Pixels of 2,000 clothes, of length one."""
    pixels = read_idx(DEBIAN / "train-images-idx3-ubyte.gz", 3)[:2000].reshape(2000, -1)
    return unit(pixels.astype(np.float32))


def test_hnsw_finds_real_neighbours_and_selects_the_same_half(images, record_property):
    exact, hnsw = (search(images, 10, backend) for backend in ("exact", "hnsw"))
    assert hnsw.recall >= 0.95
    halves = [
        set(np.argsort(-found.distances.mean(axis=1), kind="stable")[:1000].tolist())
        for found in (exact, hnsw)
    ]
    jaccard = len(halves[0] & halves[1]) / len(halves[0] | halves[1])
    record_property("recall of hnsw against exact", hnsw.recall)
    record_property("Jaccard index of the sparsest halves, hnsw against exact", jaccard)
    assert jaccard >= 0.9


def test_the_graph_is_a_function_of_the_features_alone(images):
    first, second = (search(images[:800], 10, "hnsw", seed) for seed in (0, 1))
    assert np.array_equal(first.distances, second.distances)


def test_exact_is_a_function_of_the_set_of_rows_alone(images):
    order = np.random.default_rng(0).permutation(800)
    straight, shuffled = (search(rows, 10, "exact") for rows in (images[:800], images[order]))
    assert np.array_equal(straight.distances[order], shuffled.distances)


@pytest.mark.parametrize("space", ["far", "one point"])
def test_neither_a_far_origin_nor_duplicates_cost_a_second_look(space, monkeypatch):
    """Three neighbours, the row itself and ten spare candidates."""
    rows_for, looks = exact_neighbors.block_rows, []

    def spy(shape, candidates):
        looks.append(candidates)
        return rows_for(shape, candidates)

    monkeypatch.setattr(exact_neighbors, "block_rows", spy)
    search(make(space, np.random.default_rng(0), 500, 8), 3, "exact")
    assert looks == [14]


def test_the_size_of_the_blocks_changes_nothing(images, monkeypatch):
    whole = search(images[:300], 10, "exact").distances
    monkeypatch.setattr(exact_neighbors, "BLOCK_ENTRIES", 1)
    assert np.array_equal(search(images[:300], 10, "exact").distances, whole)


class Largest(TorchFunctionMode):
    """Notes the most entries that any tensor has."""

    entries = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, torch.Tensor):
                self.entries = max(self.entries, tensor.numel())
        return made


@pytest.mark.parametrize("backend", ["exact", "hnsw"])
def test_no_tensor_is_larger_than_a_block_or_the_features(images, backend, monkeypatch):
    """1,000 x 98 features, 1,000 x 1,000 pairs."""
    rows = images[:1000, ::8]
    monkeypatch.setattr(exact_neighbors, "BLOCK_ENTRIES", 50_000)
    with Largest() as largest:
        search(rows, 10, backend)
    assert largest.entries == rows.size < len(rows) ** 2


@pytest.mark.parametrize(
    ("shape", "candidates", "rows"),
    [((60_000, 128), 21, 1118), ((1000, 2048), 21, 520), ((2**27, 8), 21, 1)],
)
def test_rows_per_block(shape, candidates, rows):
    """2**26 entries over n, or over 3 x candidates x d where that is more; at least one row."""
    assert exact_neighbors.block_rows(shape, candidates) == rows


@pytest.fixture
def tf32():
    """What `tf32=True` in the training arguments does; it needs no GPU."""
    setting = torch.backends.cuda.matmul
    before, setting.fp32_precision = setting.fp32_precision, "tf32"
    yield setting
    setting.fp32_precision = before


def test_products_are_in_full_precision_whatever_training_allows(tf32):
    with exact_neighbors.full_precision(torch.device("cpu")):
        assert tf32.fp32_precision == "ieee"
    assert tf32.fp32_precision == "tf32"


def test_training_gets_its_precision_back_after_a_failure(tf32, monkeypatch):
    monkeypatch.setattr(exact_neighbors, "block_rows", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        search(np.arange(20.0)[:, None], 2, "exact")
    assert tf32.fp32_precision == "tf32"


def test_autocast_around_the_search_changes_nothing(images):
    plain = search(images[:300], 10, "exact").distances
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert np.array_equal(search(images[:300], 10, "exact").distances, plain)


@pytest.mark.parametrize("backend", ["exact", "hnsw"])
def test_half_precision_strided_and_read_only_features_are_taken(backend):
    points = np.arange(40, dtype=np.float16).reshape(10, 4)[::-1, ::2]
    points.flags.writeable = False
    found = search(points, 2, backend).distances
    np.testing.assert_allclose(found, twin(points, 2), rtol=1e-6)


def test_a_row_that_did_not_find_itself_drops_the_furthest():
    """Row 0 found itself second; row 1 only its duplicates and row 0."""
    ids = np.array([[2, 0, 3], [2, 3, 0]])
    assert hnsw_neighbors._without_self(ids).tolist() == [[2, 3], [2, 3]]


def test_a_row_that_the_graph_cuts_off_is_searched_for_exactly():
    """Row 2 reaches only itself; the rest of its answer is filler."""
    points = np.array([[0.0], [1.0], [3.0], [7.0]])
    keys = np.array([[0, 1, 2], [1, 0, 2], [2, 2**64 - 1, 2**64 - 1], [3, 2, 1]], np.uint64)
    answer = SimpleNamespace(keys=keys, counts=np.array([3, 3, 1, 3]))
    index = SimpleNamespace(search=lambda *_: answer)
    found = hnsw_neighbors.query(index, points, 2)
    assert found.tolist() == [[1, 3], [1, 2], [2, 3], [4, 6]]


def test_recall_counts_what_is_as_near_as_a_true_neighbour(monkeypatch):
    """On a line of whole numbers: the near neighbour is true, and the one at 5 is not."""
    points = np.arange(20.0)[:, None]

    def half_right(index, features, neighbors):
        return np.tile([1.0, 5.0], (len(features), 1))

    monkeypatch.setattr(hnsw_neighbors, "query", half_right)
    found = search(points, 2, "hnsw")
    assert found.recall == 0.5
    assert search(points, 2, "exact").recall == 1.0


def test_auto_is_the_faster_backend():
    assert faster(EXACT_ROWS, "cpu") == "exact"
    assert faster(EXACT_ROWS + 1, "cpu") == "hnsw"
    assert faster(10**7, "cuda") == "exact"


def test_auto_says_which_it_took(monkeypatch):
    points = np.arange(20.0)[:, None]
    assert search(points, 2).backend == "exact"
    monkeypatch.setattr("hf_dynsel.scores.neighbors.EXACT_ROWS", 10)
    assert search(points, 2).backend == "hnsw"


@pytest.fixture
def unchecked():
    """Turns the type checks of the test run off, to see the library's own refusal."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


ROWS = np.zeros((5, 2))


@pytest.mark.parametrize(
    ("features", "neighbors", "backend", "message"),
    [
        (ROWS, 5, "auto", r"5 neighbors .* at least 6 samples, but there are 5; lower neighbors"),
        (ROWS, 0, "auto", "neighbors must be at least 1, got 0"),
        (ROWS, 2, "faiss", r"one of \('auto', 'exact', 'hnsw'\), got 'faiss'"),
        (ROWS[0], 1, "auto", r"shape \(n, d\), but have shape \(2,\)"),
        (np.where(np.arange(5)[:, None] == 3, np.nan, ROWS), 2, "auto", "in 1 rows, .* is row 3;"),
        (np.where(np.arange(5)[:, None] > 1, np.inf, ROWS), 2, "hnsw", "in 3 rows, .* is row 2;"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_refused_with_the_value_and_the_rule(features, neighbors, backend, message):
    with pytest.raises(ValueError, match=message):
        search(features, neighbors, backend)


def test_without_usearch_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(ImportError, match=r"'usearch.*pip install 'hf-dynsel\[neighbors\]'"):
        search(np.arange(20.0)[:, None], 2, "hnsw")


def test_neither_torch_nor_usearch_is_loaded_before_a_search():
    code = "import sys, hf_dynsel.scores.density; print({'torch', 'usearch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
