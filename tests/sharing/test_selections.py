"""Selection logs: shared as they are, and checked before use."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_dynsel.selection_log import SCHEMA
from hf_dynsel.sharing import load_selections, push_selections
from run_kit import CHOSEN, write_run


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def parquet(table):
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def table(schema=SCHEMA, **changes):
    columns = {
        "epoch": [0, 0, 1],
        "index": [3, 1, 2],
        "weight": [1.0, 2.0, 1.0],
        "augment": [False, True, False],
    }
    return pa.table(columns | changes, schema=schema)


def test_a_log_comes_back_to_the_bit(hub, run):
    pushed = push_selections(run, "alice/log", model="alice/run", scores="alice/scores")
    there = hub.repo("alice/log", "dataset").at("main").files
    assert there["selections.parquet"].data == (run / "selections.parquet").read_bytes()
    found = load_selections("alice/log", revision=pushed.commit)
    assert found.schema.equals(SCHEMA)
    epochs = found["epoch"].to_numpy()
    for epoch, indices in enumerate(CHOSEN):
        assert found["index"].to_numpy()[epochs == epoch].tolist() == indices.tolist()


def test_the_card_counts_what_the_log_holds(hub, run):
    push_selections(run, "alice/log", model="alice/run", scores="alice/scores")
    card = hub.repo("alice/log", "dataset").at("main").files["README.md"].data.decode()
    for fact in (
        "28 rows, one per sample and epoch",
        "| 0 | 8 | 33.3% |",
        "| 1 | 20 | 83.3% |",
        "[alice/run](https://huggingface.co/alice/run)",
        "[alice/scores](https://huggingface.co/datasets/alice/scores)",
        "Short texts",
    ):
        assert fact in card


def test_a_run_folder_has_its_log_at_hand(run):
    assert len(load_selections(run)) == 28


CASES = {
    "no parquet": (b"PAR1 no", "damaged or not Parquet"),
    "cut": (parquet(table())[:-20], "damaged or not Parquet"),
    "no rows": (parquet(table().slice(0, 0)), "has 0 rows"),
    "another column": (
        parquet(table().append_column("text", pa.array(["a", "b", "c"]))),
        "is no selection log",
    ),
    "another type": (
        parquet(table().set_column(1, "index", pa.array([3, 1, 2], pa.int32()))),
        r"index \(int32\)",
    ),
    "a missing value": (parquet(table(index=[3, None, 2])), "column 'index' .* lacks values"),
    "epochs out of order": (parquet(table(epoch=[1, 0, 2])), "must rise from 0"),
    "an epoch below zero": (parquet(table(epoch=[-1, 0, 1])), "must rise from 0"),
    "an index below zero": (parquet(table(index=[3, -1, 2])), "has index -1"),
    "a weight that is none": (parquet(table(weight=[1.0, np.nan, 1.0])), "NaN or an infinity"),
}


@pytest.mark.parametrize(("data", "message"), CASES.values(), ids=CASES)
def test_a_broken_log_is_refused(hub, data, message):
    hub.add("bob/log", {"selections.parquet": data}, kind="dataset")
    with pytest.raises(ValueError, match=message):
        load_selections("bob/log")


def test_a_log_that_claims_too_many_rows_is_not_read(hub, monkeypatch):
    monkeypatch.setattr("hf_dynsel.sharing.selections.MOST_ROWS", 2)
    hub.add("bob/log", {"selections.parquet": parquet(table())}, kind="dataset")
    with pytest.raises(ValueError, match="has 3 rows, but a selection log has from 1 to 2"):
        load_selections("bob/log")


def test_a_damaged_log_is_not_pushed(hub, run):
    (run / "selections.parquet").write_bytes(b"PAR1")
    with pytest.raises((ValueError, OSError)):
        push_selections(run, "alice/log")


def test_a_folder_without_a_log_says_what_writes_it(tmp_path):
    with pytest.raises(ValueError, match="log_selections=True writes it"):
        load_selections(tmp_path)
