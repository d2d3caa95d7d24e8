"""The largest values of rows on several processes, against those of all rows on one."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.selectors.ranking import ClassGroups, top, top_per_class
from hf_dynsel.selectors.sharded import ordered, sharded_top
from launching import torchrun
from sharded_run import pool

LEVELS = [-np.inf, -2.5, -1e-30, -0.0, 0.0, 1e-30, 0.5, 2.0, 3e38, np.inf]


class AllReduce:
    """Sums what the threads give it, as processes would."""

    def __init__(self, members):
        self.parts, self.barrier = [None] * members, threading.Barrier(members)

    def of(self, member):
        def total(own):
            self.parts[member] = own
            self.barrier.wait(timeout=60)
            found = sum(self.parts)
            self.barrier.wait(timeout=60)
            return found

        return total


def on_several(values, labels, quotas, cuts):
    """Returns the chosen rows of all members, by their place in the whole pool."""
    members = len(cuts) + 1
    reduce, found = AllReduce(members), [None] * members
    shards = np.split(values, cuts)
    of_class = [None] * members if labels is None else np.split(labels, cuts)

    def work(member):
        rows = sharded_top(
            shards[member],
            quotas,
            reduce.of(member),
            process=member,
            processes=members,
            labels=of_class[member],
        )
        found[member] = rows + [0, *cuts][member]

    threads = [threading.Thread(target=work, args=(member,)) for member in range(members)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return np.concatenate(found).tolist()


@st.composite
def pools(draw):
    size = draw(st.integers(1, 40))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    values = np.array(draw(st.lists(st.sampled_from(LEVELS), min_size=size, max_size=size)), kind)
    labels = np.array(draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)))
    labels = np.unique(labels, return_inverse=True)[1]
    cuts = sorted(draw(st.lists(st.integers(0, size), max_size=3)))
    return values, labels, cuts


@given(pool=pools(), data=st.data())
def test_the_rows_are_those_of_one_process_ties_included(pool, data):
    values, labels, cuts = pool
    quotas = np.array([data.draw(st.integers(0, int(size))) for size in np.bincount(labels)])
    expected = top_per_class(values, ClassGroups.of(labels), quotas)
    assert on_several(values, labels, quotas, cuts) == expected.tolist()
    count = data.draw(st.integers(0, len(values)))
    assert on_several(values, None, np.array([count]), cuts) == top(values, count).tolist()


@given(
    values=st.lists(
        st.floats(allow_nan=False, width=32) | st.sampled_from(LEVELS), min_size=2, max_size=20
    )
)
def test_keys_are_in_the_order_of_the_values(values):
    column = np.array(values, np.float32)
    keys = ordered(column)
    np.testing.assert_array_equal(keys[:, None] < keys, column[:, None] < column)
    np.testing.assert_array_equal(keys[:, None] == keys, column[:, None] == column)


def test_a_quota_beyond_the_class_is_refused():
    with pytest.raises(ValueError, match="class 1 has 2 rows over all processes, and its quota is"):
        on = {"process": 0, "processes": 1, "labels": np.array([0, 1, 1])}
        sharded_top(np.zeros(3, np.float32), np.array([1, 3]), lambda own: own, **on)


def test_what_is_summed_does_not_grow_with_the_rows():
    sizes = []

    def total(own):
        sizes.append(own.size)
        return own

    values = np.random.default_rng(0).random(10_000, dtype=np.float32)
    sharded_top(values, np.array([300]), total, process=0, processes=1)
    assert sizes == [1, 256, 256, 256, 256, 1]


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 3])
def test_real_processes_choose_what_one_does(processes, tmp_path):
    torchrun(processes, "sharded_run.py", str(tmp_path))
    values, labels, quotas = pool()
    expected = top_per_class(values, ClassGroups.of(labels), np.array(quotas))
    found = [np.load(tmp_path / f"{process}.npy") for process in range(processes)]
    assert np.concatenate(found).tolist() == expected.tolist()
