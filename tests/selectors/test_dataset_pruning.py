import tracemalloc
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors.cancellation import CANDIDATES, cancelling
from hf_dynsel.selectors.dataset_pruning import DatasetPruning
from hf_dynsel.selectors.hessian import check_form, inverse_hessian, needed_bytes
from hf_dynsel.selectors.influence import InfluenceTable
from hf_dynsel.selectors.last_layer import LastLayer

VECTORS = np.array([[1.0, 0.0], [-0.9, 0.1], [0.2, 0.2], [0.0, -0.3]])


def length(vectors: np.ndarray, rows: np.ndarray | tuple[int, ...]) -> float:
    return float(np.linalg.norm(vectors[list(rows)].sum(axis=0)))


def test_worked_example():
    """Rows 0 and 1 nearly cancel, 0.141; the two shortest are rows 2 and 3, 0.224."""
    rows = cancelling(InfluenceTable(VECTORS), 2)
    assert rows.tolist() == [0, 1]
    assert length(VECTORS, rows) == pytest.approx(0.141421, abs=1e-6)
    assert length(VECTORS, (2, 3)) == pytest.approx(0.223607, abs=1e-6)


def drawn(rng, n, p):
    """Vectors of very different lengths, as influences are."""
    return rng.standard_normal((n, p)) * rng.gamma(1, 1, (n, 1))


@pytest.mark.parametrize(("p", "share"), [(2, 0.7), (6, 0.85)])
def test_of_all_groups_it_finds_the_best_in_most_cases(p, share):
    """40 cases of 10 samples. In two dimensions many groups nearly cancel."""
    rng, best = np.random.default_rng(0), []
    for _ in range(40):
        vectors, count = drawn(rng, 10, p), int(rng.integers(1, 10))
        found = length(vectors, cancelling(InfluenceTable(vectors), count))
        least = min(length(vectors, rows) for rows in combinations(range(10), count))
        best.append(found <= least + 1e-9)
    assert np.mean(best) >= share


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_group_is_never_worse_than_that_of_the_shortest_vectors(seed, whole):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(2, 300)), int(rng.integers(1, 20))
    vectors = rng.integers(-2, 3, (n, p)).astype(float) if whole else drawn(rng, n, p)
    count = int(rng.integers(1, n))
    rows = cancelling(InfluenceTable(vectors), count)
    # Where lengths tie, lower rows stay in the training set.
    shortest = np.argsort(-(vectors**2).sum(1), kind="stable")[n - count :]
    assert len(set(rows.tolist())) == count
    assert length(vectors, rows) <= length(vectors, shortest) + 1e-9


def proxy(rng, n, d, classes):
    """Features, labels, and the errors of a softmax layer."""
    features, labels = rng.standard_normal((n, d)).astype(np.float32), rng.integers(0, classes, n)
    logits = features @ rng.standard_normal((d, classes)) + rng.standard_normal(classes)
    predicted = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return features, labels, logits, (predicted - np.eye(classes)[labels]).astype(np.float32)


def test_the_influence_is_that_of_autograd_on_the_last_layer():
    """Of the damped Hessian of the mean loss and the gradient of each sample's loss."""
    rng = np.random.default_rng(0)
    n, d, classes = 12, 3, 4
    features = torch.from_numpy(rng.standard_normal((n, d)))
    labels = torch.from_numpy(rng.integers(0, classes, n))
    weights = torch.from_numpy(rng.standard_normal((classes, d + 1)))
    inputs = torch.cat([features, torch.ones(n, 1)], dim=1)

    def losses(flat):
        logits = inputs @ flat.reshape(classes, d + 1).T
        return torch.nn.functional.cross_entropy(logits, labels, reduction="none")

    flat = weights.ravel()
    hessian = torch.autograd.functional.hessian(lambda w: losses(w).mean(), flat).numpy()
    gradients = torch.autograd.functional.jacobian(losses, flat).numpy()
    damped = hessian + 0.05 * hessian.diagonal().mean() * np.eye(len(hessian))
    wanted = gradients @ np.linalg.inv(damped)

    predicted = torch.softmax(inputs @ weights.T, dim=1).numpy()
    errors = (predicted - np.eye(classes)[labels.numpy()]).astype(np.float32)
    given_features = features.numpy().astype(np.float32)
    inverse = inverse_hessian(given_features, errors, "whole", 0.05)
    found = LastLayer(given_features, errors, inverse).vectors(np.arange(n))
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("form", ["whole", "classes"])
def test_sums_products_and_lengths_are_those_of_the_vectors(form, monkeypatch):
    """Also in blocks of one row."""
    rng = np.random.default_rng(0)
    features, _, _, errors = proxy(rng, 30, 4, 3)
    monkeypatch.setattr("hf_dynsel.selectors.hessian.BLOCK_ENTRIES", 1)
    layer = LastLayer(features, errors, inverse_hessian(features, errors, form, 0.01))
    table = InfluenceTable(layer.vectors(np.arange(30)))
    shares, direction = rng.random(30), table.table[3]
    np.testing.assert_allclose(layer.total(shares), table.total(shares), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(layer.along(direction), table.along(direction), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(layer.squares(), table.squares(), rtol=1e-4)


def test_by_class_is_the_whole_hessian_without_what_joins_two_classes():
    features, _, _, errors = proxy(np.random.default_rng(0), 30, 4, 3)
    whole = np.linalg.inv(inverse_hessian(features, errors, "whole", 0.01).matrices[0])
    blocks = np.linalg.inv(inverse_hessian(features, errors, "classes", 0.01).matrices)
    for c in range(3):
        part = slice(5 * c, 5 * c + 5)
        np.testing.assert_allclose(whole[part, part], blocks[c], atol=1e-6)


def chosen(features: np.ndarray, errors: np.ndarray, **hyperparameters: object) -> list[int]:
    selector = DatasetPruning(**hyperparameters)
    columns = {"proxy_features": features, "proxy_error": errors}
    selector.setup(Pool(len(features), columns=columns), 3)
    return selector.select(0).indices.tolist()


@pytest.mark.parametrize("form", ["whole", "classes"])
def test_what_is_pruned_nearly_cancels(form):
    """A third of the sum of the shortest, measured with the whole Hessian, at most."""
    features, _, _, errors = proxy(np.random.default_rng(0), 500, 4, 3)
    kept = chosen(features, errors, hessian=form, keep=0.7)
    layer = LastLayer(features, errors, inverse_hessian(features, errors, "whole", 0.01))
    vectors = layer.vectors(np.arange(500))
    pruned = np.setdiff1d(np.arange(500), kept)
    shortest = np.argsort(layer.squares(), kind="stable")[:150]
    assert len(kept) == 350
    assert length(vectors, pruned) < length(vectors, shortest) / 3


@pytest.mark.parametrize("classes", [1, 3])
def test_without_errors_all_tie_and_the_lower_rows_stay(classes):
    """As of a perfect model, or of a single class."""
    features = np.random.default_rng(0).standard_normal((10, 2)).astype(np.float32)
    assert chosen(features, np.zeros((10, classes), np.float32)) == [0, 1, 2]


@pytest.mark.parametrize("form", ["whole", "classes"])
def test_a_model_that_is_all_but_sure_has_an_inverse(form):
    """Errors of 1e-9 to 1e-12 in float32, where the true class has probability one."""
    rng = np.random.default_rng(0)
    errors = (10 ** rng.uniform(-12, -9, (40, 3))).astype(np.float32)
    errors[np.arange(40), rng.integers(0, 3, 40)] = 0
    features = rng.standard_normal((40, 2)).astype(np.float32)
    matrices = inverse_hessian(features, errors, form, 0.01).matrices
    assert (np.linalg.eigvalsh(matrices) > 0).all()


def test_a_hessian_beyond_the_memory_is_refused_with_its_bytes():
    """100 classes and 512 features are 51,300 weights: 8 * 51,300**2 bytes are 21,053,520,000; 128
    gradients of 28 bytes each are 183,859,200, and blocks 16,777,216."""
    with pytest.raises(ValueError, match=r"1 x 51300 x 51300 .*, 21254156416 bytes .*'classes'"):
        check_form("whole", 100, 512, 128)
    with pytest.raises(ValueError, match=r"10000 x 2049 x 2049 .* fewer dimensions"):
        check_form("auto", 10_000, 2048, 128)
    with pytest.raises(ValueError, match=r"1 x 40001 x 40001 .* fewer dimensions"):
        check_form("whole", 1, 40_000, 128)
    check_form("auto", 100, 512, 128)


@pytest.mark.parametrize(
    ("form", "classes", "d"),
    [("whole", 4, 99), ("whole", 1, 300), ("classes", 6, 99), ("classes", 60, 9)],
)
def test_no_more_memory_is_taken_than_counted_and_not_much_less(form, classes, d, monkeypatch):
    """But for 200 bytes per sample; in small blocks, so that matrices and gradients tell."""
    monkeypatch.setattr("hf_dynsel.selectors.hessian.BLOCK_ENTRIES", 2**11)
    features, _, _, errors = proxy(np.random.default_rng(0), 160, d, classes)
    columns = {"proxy_features": features, "proxy_error": errors}
    first, selector = (DatasetPruning(hessian=form, keep=0.5) for _ in range(2))
    for each in (first, selector):
        each.setup(Pool(160, columns=columns), 3)
    first.select(0)  # imports, and keeps what the type checks find
    tracemalloc.start()
    selector.select(0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    counted = needed_bytes(form, classes, d, 2 * CANDIDATES)
    assert 0.6 * counted < peak < counted + 200 * 160


def test_a_damping_that_is_lost_in_rounding_is_refused():
    """Two equal features, and rounding leaves the Hessian without an inverse."""
    rng = np.random.default_rng(0)
    _, _, _, errors = proxy(rng, 30, 1, 3)
    features = np.repeat(rng.standard_normal((30, 1)).astype(np.float32), 4, axis=1)
    with pytest.raises(ValueError, match=r"no inverse in floating point: .* a larger damping"):
        inverse_hessian(features, errors, "classes", 1e-30)


@pytest.mark.parametrize(("damping", "missing"), [(0.0, False), (0.01, True)])
def test_what_is_out_of_range_or_missing_is_refused_at_setup(damping, missing):
    columns = {} if missing else {n: np.zeros((3, 2)) for n in ("proxy_features", "proxy_error")}
    message = "no column 'proxy_features'" if missing else "damping must be finite and above 0"
    with pytest.raises(ValueError, match=message):
        DatasetPruning(damping=damping).setup(Pool(3, columns=columns), 3)
