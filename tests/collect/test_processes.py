"""One and two processes collect the same scores, and each process has all of them."""

import numpy as np
import pytest

from collect_kit import every_score
from launching import torchrun

pytestmark = pytest.mark.slow


def test_scores_do_not_depend_on_the_number_of_processes(tmp_path):
    """Batches of four in one process, of two in each of two; the last of 28 rows is whole."""
    found = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        folder.mkdir()
        torchrun(processes, "collect_run.py", str(folder))
        found += [np.load(folder / f"process-{place}.npz") for place in range(processes)]
    names = {f"score_{score.name}" for score in every_score()}
    for columns in found:
        assert set(columns) == names | {"proxy_features", "proxy_error"}
        for name, values in columns.items():
            expected = found[0][name]
            np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-5, err_msg=name)
    for name, values in found[1].items():
        np.testing.assert_array_equal(values, found[2][name])
