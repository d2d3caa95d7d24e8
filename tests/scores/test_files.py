import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, Value

from hf_dynsel import provenance
from hf_dynsel.provenance import record, recorded
from hf_dynsel.scores import (
    Diversity,
    Representativeness,
    add_scores,
    attach,
    load_scores,
    save_scores,
)


@pytest.fixture
def coded(e4) -> Dataset:
    columns, labels = e4
    return Dataset.from_dict({"text": list("abcde"), "label": labels, **columns})


@pytest.fixture
def folder(coded, tmp_path):
    save_scores(add_scores(coded, [Representativeness(), Diversity()]), tmp_path / "scores")
    return tmp_path / "scores"


@pytest.fixture
def unhashed(coded, tmp_path):
    save_scores(add_scores(coded, [Diversity()]), tmp_path / "unhashed", hashed=False)
    return tmp_path / "unhashed"


def test_the_table_has_the_index_the_label_and_the_scores(folder):
    table = pq.read_table(folder / "scores.parquet")
    names = ["index", "label", "row_hash", "score_representativeness", "score_diversity"]
    assert table.column_names == names
    kinds = ["int64", "int64", "string", "float", "float"]
    assert [str(kind) for kind in table.schema.types] == kinds
    assert table["index"].to_pylist() == [0, 1, 2, 3, 4]


def test_scores_come_back_with_their_notes_on_the_same_data(coded, folder):
    scored = add_scores(coded, [Representativeness(), Diversity()])
    bare = coded.remove_columns(["sae_indices", "sae_values"])
    attached = attach(bare, load_scores(folder))
    for name in ("score_representativeness", "score_diversity"):
        assert attached.features[name] == Value("float32")
        assert attached[name][:] == scored[name][:]
    assert recorded(attached)["scores"] == recorded(scored)["scores"]


def test_scores_already_there_are_replaced_and_others_stay(coded, folder):
    present = add_scores(coded, [Diversity(normalize=None)]).add_column("score_mine", [0.0] * 5)
    attached = attach(present, load_scores(folder))
    np.testing.assert_allclose(attached["score_diversity"], [0, 1, 0, 1, 1 / 3], atol=1e-6)
    assert attached["score_mine"][:] == [0.0] * 5
    assert recorded(attached)["scores"]["diversity"]["config"] == {"normalize": "minmax"}


def test_scores_of_unlabelled_data_have_no_label_column(coded, tmp_path):
    unlabelled = coded.remove_columns("label")
    save_scores(add_scores(unlabelled, [Diversity()]), tmp_path)
    names = pq.read_table(tmp_path / "scores.parquet").column_names
    assert names == ["index", "row_hash", "score_diversity"]
    assert "score_diversity" in attach(unlabelled, load_scores(tmp_path)).column_names


def test_another_number_of_rows_is_refused_with_both(coded, unhashed):
    with pytest.raises(ValueError, match="number of rows is 3 here, but 5 where"):
        attach(coded.select(range(3)), load_scores(unhashed))


def test_another_dataset_of_the_same_length_is_refused_with_both_fingerprints(coded, unhashed):
    noted = json.loads((unhashed / "scores.json").read_text())["dataset_fingerprint"]
    other = coded.map(lambda row: {"text": row["text"].upper()})
    with pytest.raises(ValueError, match=f"fingerprint is '[0-9a-f]+' here, but '{noted}'"):
        attach(other, load_scores(unhashed))


def test_a_reordered_dataset_is_refused(coded, unhashed):
    with pytest.raises(ValueError, match="fingerprint"):
        attach(coded.select([1, 0, 2, 3, 4]), load_scores(unhashed))


def test_a_label_changed_where_the_fingerprint_does_not_look_is_refused(tmp_path, monkeypatch):
    """Of very large data the fingerprint reads some rows; the labels are compared in full."""
    monkeypatch.setattr(provenance, "READ_WHOLE", 0)
    monkeypatch.setattr(provenance, "SAMPLED_ROWS", 3)
    labels = np.zeros(400, np.int64)
    codes = {"sae_indices": np.zeros((400, 1), np.int32), "sae_values": np.ones((400, 1))}
    scored = add_scores(Dataset.from_dict({"label": labels, **codes}), [Diversity()])
    save_scores(scored, tmp_path)
    labels[7] = 1
    with pytest.raises(ValueError, match="'label' of row 7 is 1 here, but 0 where"):
        attach(Dataset.from_dict({"label": labels, **codes}), load_scores(tmp_path))


@pytest.mark.parametrize("name", ["scores.json", "scores.parquet"])
def test_a_missing_file_is_named(coded, folder, name):
    (folder / name).unlink()
    with pytest.raises(ValueError, match=f"there is no file .*{name}"):
        attach(coded, load_scores(folder))


@pytest.mark.parametrize("keep", [0, 50, -20])
def test_a_truncated_table_is_refused(coded, folder, keep):
    path = folder / "scores.parquet"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="is damaged or not Parquet"):
        attach(coded, load_scores(folder))


def test_a_flipped_bit_in_the_table_is_refused(coded, folder):
    path = folder / "scores.parquet"
    score = np.float32([0, 1, 0, 1, 1 / 3]).tobytes()
    pq.write_table(pq.read_table(path), path, compression="none", use_dictionary=False,
                   write_page_checksum=True)  # fmt: skip
    data = bytearray(path.read_bytes())
    place = bytes(data).index(score[4:16])
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="is damaged or not Parquet"):
        attach(coded, load_scores(folder))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"num_rows": 5', "is not JSON"),
        ("[]", "must hold one JSON object, got a list"),
        ('{"dataset_fingerprint": "a", "num_rows": "5"}', "lacks a valid 'num_rows'"),
    ],
)
def test_broken_notes_are_refused(coded, folder, text, message):
    (folder / "scores.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        attach(coded, load_scores(folder))


def test_a_table_of_other_notes_is_refused(coded, folder):
    notes = json.loads((folder / "scores.json").read_text())
    del notes["scores"]["diversity"]
    (folder / "scores.json").write_text(json.dumps(notes))
    with pytest.raises(ValueError, match="the two files do not belong together"):
        attach(coded, load_scores(folder))


def replace(folder, name, values):
    path = folder / "scores.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index(name), name, pa.array(values)), path)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("index", [0, 1, 2, 4, 3], "must count from 0 to 4"),
        ("score_diversity", np.float32([0, np.nan, 0, 0, 0]), "must hold finite float32 numbers"),
        ("score_diversity", ["a", "b", "c", "d", "e"], "must hold finite float32 numbers"),
    ],
)
def test_a_table_with_wrong_values_is_refused(coded, folder, name, values, message):
    replace(folder, name, values)
    with pytest.raises(ValueError, match=message):
        attach(coded, load_scores(folder))


def test_scores_of_unknown_origin_are_not_saved(coded, tmp_path):
    mine = coded.add_column("score_mine", [0.0] * 5)
    with pytest.raises(ValueError, match=r"origin of \['score_mine'\]"):
        save_scores(mine, tmp_path)


def test_a_dataset_without_scores_is_not_saved(coded, tmp_path):
    with pytest.raises(ValueError, match="has no score columns"):
        save_scores(coded, tmp_path)


def test_notes_of_scores_no_longer_there_are_left_out(coded, tmp_path):
    scored = add_scores(coded, [Representativeness(), Diversity()])
    save_scores(scored.remove_columns("score_diversity"), tmp_path)
    assert list(json.loads((tmp_path / "scores.json").read_text())["scores"]) == [
        "representativeness"
    ]


def test_a_filtered_dataset_is_saved_as_itself(coded, tmp_path):
    part = add_scores(coded, [Diversity()]).select([1, 3])
    save_scores(part, tmp_path)
    attached = attach(record(coded.select([1, 3]), "other", {}), load_scores(tmp_path))
    assert attached["score_diversity"][:] == part["score_diversity"][:]
    assert recorded(attached)["scores"]["diversity"]["num_rows"] == 5
