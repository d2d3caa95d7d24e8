"""Small files that unpack to far more than their rows can need are refused, whatever they say."""

import json
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_dynsel.core import Selection
from hf_dynsel.scores import load_scores
from hf_dynsel.selection_log import SCHEMA, SelectionLog
from hf_dynsel.sharing import load_selections

pytestmark = pytest.mark.slow

NOTES = {
    "dataset_fingerprint": "x",
    "labels": ["label"],
    "content": [],
    "columns": {},
    "source": {},
    "scores": {"a": {"class": "Diversity", "label": "label"}},
}
TOO_MUCH = "bytes or more, but .* are allowed for its rows and size"


def write_scores(folder, label, **options):
    """A score dataset with these classes."""
    count = len(label)
    columns = {"index": np.arange(count), "label": label, "score_a": np.zeros(count, np.float32)}
    pq.write_table(pa.table(columns), folder / "scores.parquet", compression="zstd", **options)
    (folder / "scores.json").write_text(json.dumps({**NOTES, "num_rows": count}))


def varint(number, length=0):
    """The bytes of a size in the footer, `length` of them if more than it needs."""
    number, digits = number << 1, []
    while number or not digits:
        digits.append(number & 0x7F)
        number >>= 7
    digits += [0] * (length - len(digits))
    return bytes([*(digit | 0x80 for digit in digits[:-1]), digits[-1]])


def forge(path):
    """Makes the footer say that the first row group unpacks to 1,000 bytes."""
    data, metadata = bytearray(path.read_bytes()), pq.read_metadata(path)
    size = varint(metadata.row_group(0).total_byte_size)
    at = data.rfind(size)
    assert at > len(data) - 8 - struct.unpack("<I", data[-8:-4])[0]
    data[at : at + len(size)] = varint(1000, len(size))
    path.write_bytes(data)
    assert pq.read_metadata(path).row_group(0).total_byte_size == 1000


def test_long_classes_are_refused_before_they_are_read(tmp_path):
    write_scores(tmp_path, [f"{i:08d}" + "x" * 9000 for i in range(2500)], use_dictionary=False)
    with pytest.raises(ValueError, match=TOO_MUCH):
        load_scores(tmp_path)


def test_a_forged_footer_does_not_help(tmp_path):
    """40 classes of 1 MB are 40 MB, and 16 MiB + 40 KiB are allowed."""
    write_scores(tmp_path, [f"{i:08d}" + "x" * 10**6 for i in range(40)], use_dictionary=False)
    forge(tmp_path / "scores.parquet")
    with pytest.raises(ValueError, match="unpacks to 40,.* bytes or more, but 16,818,176 are"):
        load_scores(tmp_path)


def test_one_long_class_on_all_rows_counts_for_each(tmp_path):
    write_scores(tmp_path, ["x" * 9000] * 2500)
    assert (tmp_path / "scores.parquet").stat().st_size < 10_000
    with pytest.raises(ValueError, match=TOO_MUCH):
        load_scores(tmp_path)


def test_short_classes_on_many_rows_are_read(tmp_path):
    write_scores(tmp_path, [f"class {i % 10}" for i in range(20_000)])
    assert load_scores(tmp_path).rows["label"][12].as_py() == "class 2"


def test_features_of_nothing_are_refused(tmp_path):
    """Zeros pack a thousand times and more, measured features do not."""
    write_scores(tmp_path, [0] * 2000)
    zeros = pa.FixedSizeListArray.from_arrays(np.zeros(2000 * 8000, np.float32), 8000)
    path = tmp_path / "features.parquet"
    pq.write_table(pa.table({"index": np.arange(2000), "features": zeros}), path)
    assert path.stat().st_size < 20_000
    with pytest.raises(ValueError, match=TOO_MUCH):
        load_scores(tmp_path, also=["features"])


def test_a_log_of_many_equal_rows_is_refused_before_it_is_read(tmp_path):
    count = 2 * 10**6
    zeros = [pa.array(np.zeros(count, field.type.to_pandas_dtype())) for field in SCHEMA]
    table = pa.table(zeros, schema=SCHEMA)
    pq.write_table(table, tmp_path / "selections.parquet", compression="zstd")
    with pytest.raises(ValueError, match=f"unpacks to 34,000,000 {TOO_MUCH}"):
        load_selections(tmp_path)


def test_a_log_of_all_of_a_large_dataset_is_read(tmp_path):
    log = SelectionLog(tmp_path)
    for epoch in range(3):
        log.write(epoch, Selection(np.arange(10**6)))
    log.join(3)
    found = load_selections(tmp_path)
    assert len(found) == 3 * 10**6
    assert found["index"][-1].as_py() == 10**6 - 1
