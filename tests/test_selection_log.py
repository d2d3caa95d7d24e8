import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_dynsel.core import Selection
from hf_dynsel.selection_log import SelectionLog, share_by_epoch


def log_of(folder, *epochs):
    log = SelectionLog(folder)
    for epoch, indices in enumerate(epochs):
        log.write(epoch, Selection(np.array(indices)))
    return log


def read(path):
    """The rows of each epoch, in the order of the file."""
    rows = pq.read_table(path).to_pydict()
    found: dict[int, list[int]] = {}
    for epoch, index in zip(rows["epoch"], rows["index"], strict=True):
        found.setdefault(epoch, []).append(index)
    return found


def test_the_file_has_the_columns_and_types_promised(tmp_path):
    path = log_of(tmp_path, [1]).join(1)
    assert path == tmp_path / "selections.parquet"
    assert pq.read_schema(path) == pa.schema(
        [
            ("epoch", pa.int32()),
            ("index", pa.int64()),
            ("weight", pa.float32()),
            ("augment", pa.bool_()),
        ]
    )


def test_samples_keep_the_order_of_the_selector(tmp_path):
    assert read(log_of(tmp_path, [5, 1, 3], [2, 0]).join(2)) == {0: [5, 1, 3], 1: [2, 0]}


def test_weights_are_one_and_nothing_is_augmented_unless_said(tmp_path):
    log = SelectionLog(tmp_path)
    log.write(0, Selection(np.array([4, 2])))
    log.write(1, Selection(np.array([4, 2]), np.array([0.5, 2.0]), np.array([True, False])))
    rows = pq.read_table(log.join(2)).to_pydict()
    assert rows["weight"] == [1.0, 1.0, 0.5, 2.0]
    assert rows["augment"] == [False, False, True, False]


@pytest.mark.parametrize("size", [3, 2**20 + 1])
def test_every_epoch_is_one_row_group(size, tmp_path):
    """2**20 rows is the longest row group that pyarrow writes unasked."""
    path = log_of(tmp_path, range(size), [0]).join(2)
    groups = pq.ParquetFile(path).metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [size, 1]


def test_ids_beyond_float32_and_int32_survive(tmp_path):
    ids = [2**24 + 1, 2**31 + 5]
    assert read(log_of(tmp_path, ids).join(1)) == {0: ids}


def test_a_repeated_epoch_is_overwritten(tmp_path):
    log_of(tmp_path, [1], [2])
    resumed = SelectionLog(tmp_path)
    resumed.write(1, Selection(np.array([3])))
    assert read(resumed.join(2)) == {0: [1], 1: [3]}


def test_joining_leaves_nothing_but_the_file(tmp_path):
    log_of(tmp_path, [1], [2]).join(2)
    assert [path.name for path in tmp_path.iterdir()] == ["selections.parquet"]


def test_epochs_after_the_last_one_are_left_out(tmp_path):
    """Parts of a longer run before, in the same folder."""
    assert read(log_of(tmp_path, [1], [2], [3]).join(2)) == {0: [1], 1: [2]}


def test_a_finished_run_that_resumes_keeps_the_epochs_it_does_not_repeat(tmp_path):
    log_of(tmp_path, [1, 9], [2], [3]).join(3)
    resumed = SelectionLog(tmp_path)
    resumed.write(2, Selection(np.array([7, 8])))
    path = resumed.join(3)
    assert read(path) == {0: [1, 9], 1: [2], 2: [7, 8]}
    assert pq.ParquetFile(path).num_row_groups == 3


def test_joining_a_finished_run_again_changes_nothing(tmp_path):
    log = log_of(tmp_path, [1, 9], [2])
    before = pq.read_table(log.join(2))
    assert pq.read_table(log.join(2)).equals(before)


def test_the_share_of_marked_samples_is_counted_by_epoch(tmp_path):
    """Rows 0 and 1 are marked: one of two samples in the first epoch, none in the second."""
    log = SelectionLog(tmp_path)
    log.write(0, Selection(np.array([3, 1])))
    log.write(1, Selection(np.array([2, 3, 4])))
    marks = np.array([True, True, False, False, False])
    assert share_by_epoch(log.join(2), marks) == [0.5, 0.0]
