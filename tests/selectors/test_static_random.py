import numpy as np

from hf_dynsel.core import Pool
from hf_dynsel.selectors import StaticRandom
from hf_dynsel.simulate import simulate


def test_the_subset_is_the_same_every_epoch():
    first, *others = simulate(StaticRandom(keep=0.3), Pool(100), 5)
    assert len(first.indices) == 30
    for other in others:
        np.testing.assert_array_equal(other.indices, first.indices)


def test_every_row_can_be_drawn():
    seen = set()
    for seed in range(40):
        seen.update(simulate(StaticRandom(seed, keep=0.3), Pool(20), 1)[0].indices.tolist())
    assert seen == set(range(20))
