from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset

from hf_dynsel.provenance import record
from hf_dynsel.report.runfolder import read_run
from hf_dynsel.scores.files import save_scores

MakeRun = Callable[..., Path]


def test_both_missing_required_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no summary.json and no selections.parquet"):
        read_run(tmp_path)


def test_one_missing_required_file_is_named(make_run: MakeRun, tmp_path: Path) -> None:
    (make_run(tmp_path) / "selections.parquet").unlink()
    with pytest.raises(
        FileNotFoundError, match="has no selections.parquet: this needs summary.json"
    ):
        read_run(tmp_path)


def test_missing_optional_files_are_empty(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path)
    for name in ("scores/scores.parquet", "scores/scores.json", "log_history.json", "recipe.yaml"):
        (tmp_path / name).unlink()
    run = read_run(tmp_path)
    assert (run.scores, run.labels, run.score_notes, run.history) == ({}, None, {}, ())
    assert run.recipe == ""


def test_scores_in_parts_are_read_as_one_table(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run(tmp_path, size=3) / "scores"
    (folder / "scores.parquet").unlink()
    for part, (index, score) in enumerate([([0, 1], [0.25, 0.5]), ([2], [0.75])]):
        table = pa.table({"index": index, "score_el2n": score})
        pq.write_table(table, folder / f"scores-0000{part}-of-00002.parquet")
    assert read_run(tmp_path).scores["el2n"].tolist() == [0.25, 0.5, 0.75]


def test_scores_are_put_in_the_order_of_the_samples(make_run: MakeRun, tmp_path: Path) -> None:
    table = {"index": [2, 0, 1], "label": [7, 5, 6], "score_el2n": [0.75, 0.25, 0.5]}
    pq.write_table(pa.table(table), make_run(tmp_path, size=3) / "scores" / "scores.parquet")
    run = read_run(tmp_path)
    assert run.scores["el2n"].tolist() == [0.25, 0.5, 0.75]
    assert run.labels is not None
    assert (run.labels.tolist(), run.classes) == ([0, 1, 2], (5, 6, 7))


def test_saved_scores_of_a_dataset_are_read_back(make_run: MakeRun, tmp_path: Path) -> None:
    """The class column may have any name, and its classes may be strings."""
    columns = {"species": ["hen", "cat", "hen"], "score_el2n": np.float32([0.5, 0.25, 1])}
    note = {"class": "EL2N", "config": {}, "label": "species"}
    dataset = record(Dataset.from_dict(columns), "scores", {"el2n": note})
    save_scores(dataset, make_run(tmp_path, size=3) / "scores")
    run = read_run(tmp_path)
    assert run.scores["el2n"].tolist() == [0.5, 0.25, 1]
    assert run.labels is not None
    assert (run.label, run.labels.tolist(), run.classes) == ("species", [1, 0, 1], ("cat", "hen"))


def test_scores_of_other_data_are_refused(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "a", size=20)
    make_run(tmp_path / "b", size=30)
    (tmp_path / "b" / "scores" / "scores.parquet").replace(
        tmp_path / "a" / "scores" / "scores.parquet"
    )
    with pytest.raises(ValueError, match="scores 30 samples, but the run had 20"):
        read_run(tmp_path / "a")
