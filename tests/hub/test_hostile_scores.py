"""Score datasets that are broken or mean harm are refused, in one sentence, and run nothing."""

import gzip
import io
import json
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_dynsel.scores import load_scores
from hostile_kit import (
    Hostile,
    edited,
    evil_pickle,
    put,
    refusal,
    rewritten,
    score_files,
    without,
)

ID = "alice/shared"
TABLE, NOTES = "scores.parquet", "scores.json"
DAMAGED, NOT_JSON = "is damaged or not Parquet", "scores.json is not JSON"
SCORE = "score_diversity"


def table(edit: Callable[[pa.Table], pa.Table], **options):
    """A table of scores with other content."""

    def change(files, _):
        written = io.BytesIO()
        pq.write_table(edit(pq.read_table(io.BytesIO(files[TABLE]))), written, **options)
        return {**files, TABLE: written.getvalue()}

    return change


def column(name, values, kind=None):
    """A column with other values."""

    def edit(t):
        made = values(t[name]) if callable(values) else values
        return t.set_column(t.column_names.index(name), name, pa.array(made, kind))

    return table(edit)


def flipped(place: float, count: int = 40):
    """Other bytes at a share of the way through the file of the table."""

    def change(files, _):
        data = bytearray(files[TABLE])
        start = int(len(data) * place)
        for at in range(start, min(start + count, len(data))):
            data[at] ^= 0xFF
        return {**files, TABLE: bytes(data)}

    return change


def one(values, place, value):
    return [*values.to_pylist()[:place], value, *values.to_pylist()[place + 1 :]]


def entry(**values):
    """Other values in the notes of the score 'diversity'; `...` removes one."""

    def change(files, _):
        notes = json.loads(files[NOTES])
        merged = notes["scores"]["diversity"] | values
        notes["scores"]["diversity"] = {k: v for k, v in merged.items() if v is not ...}
        return {**files, NOTES: json.dumps(notes).encode()}

    return change


NESTED = pa.array([[1.0]] * 9, pa.list_(pa.float32()))
RECORDS = pa.array([{"a": 1.0}] * 9)
CASES = [
    Hostile("no table", without(TABLE), "has no scores.parquet"),
    Hostile("no notes", without(NOTES), "has no scores.json"),
    Hostile("pickle", put(TABLE, evil_pickle), DAMAGED),
    Hostile(
        "pickle instead",
        lambda f, marker: put("scores.pkl", evil_pickle)(without(TABLE)(f, marker), marker),
        "has no scores.parquet",
    ),
    Hostile("empty", put(TABLE, b""), DAMAGED),
    Hostile("csv", put(TABLE, b"index,score_diversity\n0,1\n"), DAMAGED),
    Hostile("gzip", put(TABLE, gzip.compress(bytes(10**6))), DAMAGED),
    Hostile("pointer", put(TABLE, b"version https://git-lfs.github.com/spec/v1\n"), DAMAGED),
    Hostile("truncated", lambda f, _: {**f, TABLE: f[TABLE][:-8]}, DAMAGED),
    Hostile("cut in front", lambda f, _: {**f, TABLE: f[TABLE][4:]}, DAMAGED),
    Hostile("only the marks", put(TABLE, b"PAR1PAR1"), DAMAGED),
    Hostile(
        "length of the footer",
        lambda f, _: {**f, TABLE: f[TABLE][:-8] + b"\xff\xff\xff\x7fPAR1"},
        DAMAGED,
    ),
    Hostile("damaged page", flipped(0.02), DAMAGED),
    Hostile("damaged footer", flipped(0.8), DAMAGED),
    Hostile("too large", put(TABLE, bytes(20 * 2**20)), "more than the .* allowed"),
    Hostile("column lacks", table(lambda t: t.drop_columns([SCORE])), "has the columns"),
    Hostile("column more", table(lambda t: t.append_column("x", t[SCORE])), "has the columns"),
    Hostile("column twice", table(lambda t: t.append_column(SCORE, t[SCORE])), "has the columns"),
    Hostile("rows lack", table(lambda t: t.slice(0, 8)), "has 8 rows, but scores.json says 9"),
    Hostile("rows twice", table(lambda t: pa.concat_tables([t, t])), "has 18 rows, but"),
    Hostile("no rows", table(lambda t: t.slice(0, 0)), "has 0 rows, but"),
    Hostile("reordered", table(lambda t: t.take(list(range(8, -1, -1)))), "must count from 0 to 8"),
    Hostile("index twice", column("index", lambda v: one(v, 3, 2)), "must count from 0 to 8"),
    Hostile("index null", column("index", lambda v: one(v, 3, None)), "must count from 0 to 8"),
    Hostile("index text", column("index", list("012345678")), "must count from 0 to 8"),
    Hostile("index nested", column("index", NESTED), "must count from 0 to 8"),
    Hostile("index record", column("index", RECORDS), "must count from 0 to 8"),
    Hostile("nan", column(SCORE, lambda v: one(v, 2, np.nan), pa.float32()), "finite float32"),
    Hostile("infinity", column(SCORE, lambda v: one(v, 2, np.inf), pa.float32()), "finite float32"),
    Hostile("null", column(SCORE, lambda v: one(v, 2, None), pa.float32()), "finite float32"),
    Hostile("double", column(SCORE, lambda v: v.to_pylist(), pa.float64()), "finite float32"),
    Hostile("text", column(SCORE, ["1"] * 9), "finite float32"),
    Hostile("nested", column(SCORE, NESTED), "finite float32"),
    Hostile("record", column(SCORE, RECORDS), "finite float32"),
    Hostile("bytes", column(SCORE, [b"1"] * 9), "finite float32"),
    Hostile("class nested", column("label", NESTED), "the number or the name of a class"),
    Hostile("class bytes", column("label", [b"a"] * 9), "the number or the name of a class"),
    Hostile("class half", column("label", [0.5] * 9), "the number or the name of a class"),
    Hostile("hash short", column("row_hash", lambda v: one(v, 1, "abc")), "hexadecimal digits"),
    Hostile("hash null", column("row_hash", lambda v: one(v, 1, None)), "hexadecimal digits"),
    Hostile("hash other", column("row_hash", lambda v: one(v, 1, "z" * 32)), "hexadecimal"),
    Hostile("hash line", column("row_hash", lambda v: [f"{x}\n" for x in v]), "hexadecimal"),
    Hostile("hash number", column("row_hash", list(range(9))), "hexadecimal digits"),
    Hostile("hash nested", column("row_hash", NESTED), "hexadecimal digits"),
    Hostile("notes empty", put(NOTES, b""), NOT_JSON),
    Hostile("notes a pickle", put(NOTES, evil_pickle), NOT_JSON),
    Hostile("notes no text", put(NOTES, b"\xff\xfe"), NOT_JSON),
    Hostile("notes a list", put(NOTES, b"[1]"), "must hold one JSON object, got a list"),
    Hostile("notes deep", put(NOTES, b'{"a":' * 10**5 + b"1" + b"}" * 10**5), NOT_JSON),
    Hostile("notes large", put(NOTES, bytes(17 * 2**20)), "more than the .* allowed"),
    Hostile("notes twice", rewritten(NOTES, "{", '{"num_rows": 9,'), "is there twice"),
    Hostile("notes NaN", rewritten(NOTES, '"num_rows": 9', '"num_rows": NaN'), "no number"),
    Hostile("rows text", edited(NOTES, num_rows="9"), "lacks a valid 'num_rows'"),
    Hostile("rows part", edited(NOTES, num_rows=9.0), "lacks a valid 'num_rows'"),
    Hostile("rows truth", edited(NOTES, num_rows=True), "lacks a valid 'num_rows'"),
    Hostile("rows zero", edited(NOTES, num_rows=0), "must be from 1 to"),
    Hostile("rows negative", edited(NOTES, num_rows=-9), "must be from 1 to"),
    Hostile("rows gigantic", edited(NOTES, num_rows=10**15), "must be from 1 to"),
    Hostile("rows beyond", edited(NOTES, num_rows=10**400), "must be from 1 to"),
    Hostile("rows lie", edited(NOTES, num_rows=8), "has 9 rows, but scores.json says 8"),
    Hostile("no scores", edited(NOTES, scores=...), "lacks a valid 'scores'"),
    Hostile("scores list", edited(NOTES, scores=["diversity"]), "lacks a valid 'scores'"),
    Hostile("scores text", edited(NOTES, scores={"diversity": "x"}), "how the score 'diversity'"),
    Hostile("scores other", edited(NOTES, scores={}), "has the columns"),
    Hostile("class lacks", entry(**{"class": ...}), "does not say how the score 'diversity'"),
    Hostile("class list", entry(**{"class": ["os.system"]}), "does not say how the score"),
    Hostile("labels text", edited(NOTES, labels="label"), "lacks a valid 'labels'"),
    Hostile("labels nested", edited(NOTES, labels=[["label"]]), "must list names of columns"),
    Hostile("labels others", edited(NOTES, labels=["x"]), "reads the classes"),
    Hostile("content", edited(NOTES, content=[1]), "must list names of columns"),
    Hostile("fingerprint", edited(NOTES, dataset_fingerprint=None), "lacks a valid 'dataset_f"),
    Hostile("source", edited(NOTES, source="x"), "lacks a valid 'source'"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_hostile_scores_are_refused(hub, tmp_path, case):
    marker = tmp_path / "marker"
    hub.add(ID, dict(case.change(score_files(), marker)), "dataset")
    told = refusal(lambda: load_scores(ID))
    assert re.search(case.message, told), told
    assert not marker.exists()


def claims(rows):
    """A footer that claims more rows than its pages hold, of one column that is all the same."""

    def edit(t):
        same = pa.RunEndEncodedArray.from_arrays([rows], pa.array([0.5], pa.float32()))
        return pa.table({name: pa.compute.run_end_decode(same) for name in t.column_names})

    return edit


def test_many_rows_in_few_bytes_are_refused_before_they_are_read(hub):
    """Two million equal values take some hundred bytes."""
    rows = 2 * 10**6
    files = edited(NOTES, num_rows=rows)(table(claims(rows))(score_files(), None), None)
    assert len(files[TABLE]) < 10**5
    hub.add(ID, dict(files), "dataset")
    assert "which is not possible" in refusal(lambda: load_scores(ID))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary()], ids=str)
def test_one_text_that_fills_the_memory_is_refused_before_it_is_read(hub, kind):
    """A class of 64 MB packs into some kilobytes."""
    long = table(
        lambda t: t.set_column(1, "label", pa.array(["x" * 2**26, *"bcdefghi"], kind)),
        compression="zstd",
    )
    files = long(score_files(), None)
    assert len(files[TABLE]) < 10**5
    hub.add(ID, dict(files), "dataset")
    assert "unpacks to 67,1" in refusal(lambda: load_scores(ID))


def test_a_type_of_a_pickle_in_the_schema_runs_nothing(hub, tmp_path):
    """Old readers of Arrow unpickled the type that a schema may name."""
    marker = tmp_path / "marker"
    kind = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": evil_pickle(marker),
    }

    def edit(t):
        fields = [f.with_metadata(kind) if f.name == SCORE else f for f in t.schema]
        return t.cast(pa.schema(fields, metadata={b"pandas": evil_pickle(marker)}))

    hub.add(ID, dict(table(edit)(score_files(), None)), "dataset")
    try:
        load_scores(ID)
    except ValueError as refused:
        assert "schema" in str(refused) or "finite" in str(refused)  # noqa: PT017
    assert not marker.exists()
