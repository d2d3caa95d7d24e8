"""What every static selector that reads vectors must stand: odd pools, ties and shuffling."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors.d2_pruning import D2Pruning
from hf_dynsel.selectors.dataset_pruning import DatasetPruning
from hf_dynsel.selectors.herding import Herding
from hf_dynsel.selectors.info_max import InfoMax
from hf_dynsel.selectors.k_center import KCenter
from hf_dynsel.selectors.sae_greedy import SAEGreedy
from hf_dynsel.selectors.sae_sim_scale import SAESimScale
from hf_dynsel.selectors.static_subset import StaticSubset

CASES: dict[str, tuple[type[StaticSubset], dict[str, Any]]] = {
    "d2": (D2Pruning, {}),
    "d2 by class": (D2Pruning, {"quota": "proportional"}),
    "dataset pruning": (DatasetPruning, {}),
    "dataset pruning by class": (DatasetPruning, {"hessian": "classes"}),
    "herding": (Herding, {}),
    "herding by class": (Herding, {"quota": "equal"}),
    "info max": (InfoMax, {}),
    "k-center": (KCenter, {}),
    "k-center at random": (KCenter, {"start": "random"}),
    "sae greedy": (SAEGreedy, {}),
    "sae greedy at random": (SAEGreedy, {"tie_break": "random"}),
    "sae sim scale": (SAESimScale, {}),
}
every_case = pytest.mark.parametrize("case", CASES)
# Of these, what ties or is far apart has another order in another order of the rows.
UNTIED = ("d2", "d2 by class", "dataset pruning", "herding", "herding by class", "k-center")


def pool_of(rng: np.random.Generator, n: int, classes: int = 3) -> Pool:
    """A pool of real numbers; the last class has one sample."""
    labels = np.minimum(np.arange(n) % classes, classes - 1)
    if classes > 1:
        labels = np.where(labels == classes - 1, 0, labels)
        labels[-1] = min(labels.max() + 1, n - 1)
    predicted = rng.dirichlet(np.ones(labels.max() + 1), n)
    return Pool(
        n,
        {"el2n": rng.random(n)},
        labels,
        {
            "features": rng.standard_normal((n, 4)).astype(np.float32),
            "proxy_features": rng.standard_normal((n, 3)).astype(np.float32),
            "proxy_error": (predicted - np.eye(labels.max() + 1)[labels]).astype(np.float32),
            "sae_indices": rng.permuted(np.tile(np.arange(40, dtype=np.int32), (n, 1)), axis=1)[
                :, :5
            ],
            "sae_values": rng.standard_normal((n, 5)).astype(np.float32),
        },
    )


def taken(pool: Pool, rows: np.ndarray) -> Pool:
    """Some rows of a pool, in this order and perhaps more than once."""
    assert pool.labels is not None
    labels = np.unique(pool.labels[rows], return_inverse=True)[1]
    scores = {name: column[rows] for name, column in pool.scores.items()}
    columns = {name: column[rows] for name, column in pool.columns.items()}
    return Pool(len(rows), scores, labels, columns)


def chosen(case: str, pool: Pool, keep: float = 0.3) -> np.ndarray:
    cls, hyperparameters = CASES[case]
    selector = cls(keep=keep, **hyperparameters)
    selector.setup(pool, 3)
    rows = selector.select(0).indices
    assert len(rows) == selector.planned_size(0)
    assert len(np.unique(rows)) == len(rows)
    assert rows.min() >= 0
    assert rows.max() < pool.size
    assert np.array_equal(selector.select(2).indices, rows)
    return rows


@every_case
@given(st.integers(0, 2**32 - 1), st.floats(0.001, 1.0))
@settings(max_examples=12, deadline=None)
def test_any_pool_gives_the_budget(case, seed, keep):
    """Down to one sample and one class, with duplicates, constant scores and columns of zeros."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    pool = pool_of(rng, n, classes=int(rng.integers(1, 4)))
    if rng.random() < 0.5:
        pool = taken(pool, rng.integers(0, n, n))
    if rng.random() < 0.3:
        pool = replace(pool, scores={"el2n": np.full(n, 2.0)})
    if rng.random() < 0.3:
        zeros = {name: np.zeros_like(column) for name, column in pool.columns.items()}
        pool = replace(pool, columns=zeros)
    rows = chosen(case, pool, keep)
    assert np.array_equal(chosen(case, pool, keep), rows)


@every_case
def test_where_all_samples_are_one_the_lower_rows_are_chosen(case):
    """But for those that draw, and for InfoMax: the lowest are in the graph neighbours of all."""
    pool = taken(pool_of(np.random.default_rng(0), 8, classes=1), np.zeros(20, np.int64))
    rows = chosen(case, pool)
    if "random" not in case and case != "info max":
        assert sorted(rows.tolist()) == [0, 1, 2, 3, 4, 5]


@every_case
def test_one_sample_is_chosen(case):
    assert chosen(case, pool_of(np.random.default_rng(0), 1, classes=1)).tolist() == [0]


@pytest.mark.parametrize("case", UNTIED)
def test_another_order_of_the_rows_chooses_the_same_samples(case):
    rng = np.random.default_rng(5)
    pool = pool_of(rng, 60)
    order = rng.permutation(60)
    assert pool.labels is not None
    shuffled = replace(taken(pool, order), labels=pool.labels[order])
    assert set(order[chosen(case, shuffled)].tolist()) == set(chosen(case, pool).tolist())


@every_case
def test_what_it_reads_is_what_it_needs(case):
    """The columns that it does not name can be missing; each one that it names is asked for."""
    cls, hyperparameters = CASES[case]
    pool = pool_of(np.random.default_rng(0), 12)
    reads = cls(**hyperparameters).reads()
    named = {name: pool.columns[name] for name in reads}
    expected = chosen(case, pool)
    assert np.array_equal(chosen(case, replace(pool, columns=named)), expected)
    for name in reads:
        rest = {other: column for other, column in named.items() if other != name}
        with pytest.raises(ValueError, match=f"no column '{name}'"):
            chosen(case, replace(pool, columns=rest))
