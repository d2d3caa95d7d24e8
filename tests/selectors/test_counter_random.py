from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hf_dynsel.selectors.counter_random import splitmix64, uniform

MASK = 2**64 - 1


def stream(state: int, count: int) -> list[int]:
    """SplitMix64 as a generator with a running state, in Python's unbounded integers."""
    out = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        out.append(z ^ (z >> 31))
    return out


def test_the_published_stream_of_seed_1234567():
    """The first five outputs, as listed at rosettacode.org, Pseudo-random numbers/Splitmix64."""
    assert splitmix64(1234567, np.arange(5)).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@given(key=st.integers(0, MASK), counters=st.lists(st.integers(0, 60), max_size=8))
def test_a_counter_is_a_place_in_the_stream_of_its_key(key, counters):
    whole = stream(key, 61)
    found = splitmix64(key, np.array(counters, dtype=np.int64))
    assert found.tolist() == [whole[counter] for counter in counters]


def test_the_upper_53_bits_become_a_number_below_one():
    counters = np.arange(100)
    expected = [bits // 2**11 / 2**53 for bits in stream(5, 100)]
    assert uniform(5, counters).tolist() == expected
    assert (2**64 - 1) // 2**11 / 2**53 < 1.0


def test_a_number_does_not_depend_on_the_others_asked_for():
    rows = np.random.default_rng(0).permutation(1000)
    together = uniform(9, rows)
    assert (
        together.tolist()
        == np.concatenate([uniform(9, part) for part in np.split(rows, 40)]).tolist()
    )
    assert together.tolist() == uniform(9, np.arange(1000))[rows].tolist()


@pytest.mark.parametrize("key", [0, 1, 2**63, MASK])
def test_rows_in_order_get_uniform_numbers(key):
    """Kolmogorov-Smirnov on 100,000 rows, at fixed keys."""
    assert stats.kstest(uniform(key, np.arange(100_000)), "uniform").pvalue > 0.01


def test_one_row_gets_uniform_numbers_over_the_keys_of_many_epochs():
    keys = np.random.default_rng(0).integers(2**64, size=5000, dtype=np.uint64)
    numbers = np.array([uniform(int(key), np.array([7]))[0] for key in keys])
    assert stats.kstest(numbers, "uniform").pvalue > 0.01


def test_keys_and_neighbouring_rows_are_uncorrelated():
    """At 100,000 rows a correlation has a standard error of 0.0032."""
    rows = np.arange(100_000)
    columns = [uniform(key, rows) for key in (0, 1, 2, 2**40)]
    columns.append(np.roll(columns[0], 1))
    pairs = [np.corrcoef(one, other)[0, 1] for one, other in combinations(columns, 2)]
    assert np.abs(pairs).max() < 4 * 0.0032
