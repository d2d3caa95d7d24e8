"""Scores of units, computed by several processes that are played by threads."""

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.scores import Diversity, Representativeness
from hf_dynsel.scores.exchange import Exchange
from hf_dynsel.scores.normalize import normalized_own

UNITS, SLOTS = 7, 3


class Table:
    """Where threads lay down an array each, and take all of them."""

    def __init__(self, count):
        self.barrier, self.laid = threading.Barrier(count), [None] * count

    def every(self, process, array):
        self.laid[process] = array
        self.barrier.wait(timeout=20)
        found = list(self.laid)
        self.barrier.wait(timeout=20)
        return found


def together(count, work):
    """Returns what each of so many processes finds, given its part of the exchange."""
    table = Table(count)

    def one(process):
        return work(
            Exchange(
                process,
                count,
                lambda own: np.sum(table.every(process, own), axis=0),
                lambda own: np.concatenate(table.every(process, own)),
            )
        )

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@st.composite
def codes(draw):
    rows, seed = draw(st.integers(1, 30)), draw(st.integers(0, 99))
    rng = np.random.default_rng(seed)
    units = np.argsort(rng.random((rows, UNITS)), axis=1)[:, :SLOTS].astype(np.int32)
    values = rng.integers(-1, 3, (rows, SLOTS)).astype(np.float32)
    labels = draw(st.sampled_from([None, rng.integers(0, 3, rows)]))
    return {"sae_indices": units, "sae_values": values}, labels


@pytest.mark.parametrize("normalize", [None, "minmax", "rank", "class_minmax", "class_rank"])
@pytest.mark.parametrize("kind", [Representativeness, Diversity])
@given(made=codes(), count=st.integers(1, 4))
def test_stretches_of_rows_get_the_scores_of_the_whole(kind, normalize, made, count):
    columns, labels = made
    if labels is None and (normalize or "").startswith("class_"):
        return
    score = kind(normalize=normalize)

    def work(exchange):
        rows = exchange.stretch(len(columns["sae_values"]))
        cut = slice(rows.start, rows.stop)
        own = {name: column[cut] for name, column in columns.items()}
        raw = score.compute_own(own, None if labels is None else labels[cut], exchange)
        return normalized_own(raw, normalize, labels, exchange)

    found = np.concatenate(together(count, work))
    np.testing.assert_array_equal(found, score.values(columns, labels))


@pytest.mark.parametrize("kind", [Representativeness, Diversity])
def test_a_score_takes_at_most_60_bytes_for_each_active_unit(kind):
    rows, slots = 40_000, 8
    rng = np.random.default_rng(0)
    units = rng.integers(0, 64, (rows, slots), np.int32)
    columns = {"sae_indices": units, "sae_values": np.ones((rows, slots), np.float32)}
    labels = rng.integers(0, 10, rows)
    tracemalloc.start()
    kind(**({"common_frac": 1.0} if kind is Representativeness else {})).values(columns, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak / (rows * slots) < 60


@given(st.integers(0, 50), st.integers(1, 9))
def test_stretches_are_all_rows_in_order(rows, count):
    stretches = [Exchange(process, count).stretch(rows) for process in range(count)]
    assert [row for stretch in stretches for row in stretch] == list(range(rows))
    assert max(map(len, stretches)) - min(map(len, stretches)) <= 1
