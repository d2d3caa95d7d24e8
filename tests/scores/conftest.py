"""Small coded datasets, written as tables of active units."""

import numpy as np
import pytest


def code_columns(activity, spare=1):
    """Turns a 0/1 table (items x units) into index and value columns with some empty slots.

    Empty slots name a unit that the item does not activate, with value 0, as `add_codes` does.
    """
    activity = np.asarray(activity)
    k = min(int(activity.sum(1).max()) + spare, activity.shape[1])
    indices = np.argsort(-activity, axis=1, kind="stable")[:, :k].astype(np.int32)
    values = 0.5 * np.take_along_axis(activity, indices, 1).astype(np.float32)
    return {"sae_indices": indices, "sae_values": values}


@pytest.fixture(scope="session")
def to_columns():
    return code_columns


@pytest.fixture
def e4():
    """Five items, six units; unit 5 never fires."""
    rows = ["110000", "110100", "101000", "101010", "111000"]
    activity = np.array([[int(bit) for bit in row] for row in rows])
    return code_columns(activity), np.array([0, 0, 1, 1, 1])
