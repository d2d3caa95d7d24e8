import numpy as np

from hf_dynsel.core import Pool
from hf_dynsel.selectors import FullData
from hf_dynsel.simulate import simulate


def test_every_epoch_has_every_row():
    for selection in simulate(FullData(), Pool(5), 3):
        np.testing.assert_array_equal(selection.indices, np.arange(5))
