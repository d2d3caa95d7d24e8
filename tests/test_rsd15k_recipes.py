"""RSD_15K end to end, on made-up files of its shape, with RoBERTa's classes at a tiny size."""

import json
from pathlib import Path

import numpy as np
import pytest

from hf_dynsel import Pool, yaml_files
from hf_dynsel.compare import compare
from hf_dynsel.compare.results import read_results
from hf_dynsel.compare_section import comparison
from hf_dynsel.data import rsd15k
from hf_dynsel.recipe import load
from hf_dynsel.run import run
from rsd_posts import MARKER, POSTS, USERS, posts, write
from stand_ins import RECIPES, StandIns

TABLE = RECIPES / "paper_b" / "table2"
STATIC, DYNAMIC = (TABLE / f"rsd15k_roberta_{kind}.yaml" for kind in ("static", "dynamic"))


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    return StandIns(tmp_path_factory.mktemp("stand_ins"))


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path_factory.getbasetemp() / "dynsel"))


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """The labels of the training posts of a file of the full size."""
    file = write(tmp_path_factory.mktemp("rsd") / "posts.csv", posts())
    return np.array(rsd15k(file)["train"]["label"][:])


def test_the_made_up_file_has_the_shape_of_the_real_one():
    rows = posts()
    assert len(rows) == 14_613 and len({row[0] for row in rows}) == USERS
    assert {name: sum(row[2] == name for row in rows) for name in POSTS} == POSTS
    lengths = [len(row[1].split(MARKER)) - 2 for row in rows]
    assert np.median(lengths) == pytest.approx(55, abs=3)
    assert np.mean(lengths) == pytest.approx(94.9, abs=5)
    assert all(any(sign in row[1] for row in rows) for sign in ',\n"')


def test_thirty_per_cent_are_3507_posts_and_no_more_attempts_than_there_are(labels):
    """An equal quota of 877 for each class is more than the 647 of the smallest."""
    recipe = load(DYNAMIC)
    selector, flat = recipe.build_selector(), np.zeros(len(labels), np.float32)
    scores = {"representativeness": flat, "diversity": flat}
    selector.setup(Pool(len(labels), scores, labels), 3)
    chosen = selector.select(0).indices
    assert (len(labels), len(chosen)) == (11_690, 3507)
    assert np.bincount(labels[chosen]).tolist() == [954, 953, 953, 647]
    assert selector.planned_size(2) == 11_690  # the last of three epochs is whole


SMALL = ["trainer.num_train_epochs=3", "features.max_length=32", "model.max_length=32"]


def ran(stand_ins: StandIns, path: Path, folder: Path, *overrides: str, report=False) -> dict:
    small = [*stand_ins.overrides(yaml_files.read(path)), *SMALL]
    recipe = load(path, [*small, *overrides, f"output_dir={folder}"])
    return json.loads((run(recipe, report=report) / "summary.json").read_text())


def test_the_static_selector_trains_on_one_subset(stand_ins, tmp_path):
    """Of 219 posts 175 are for training, and 52 are 30 % of them."""
    summary = ran(stand_ins, STATIC, tmp_path)
    assert summary["samples_per_epoch"] == [52] * 3
    assert summary["usage"]["never_used"] == pytest.approx(1 - 52 / 175)
    assert summary["eval"].keys() >= {"accuracy", "macro_f1", "balanced_accuracy"}


@pytest.mark.slow
def test_the_dynamic_method_ends_on_all_posts(stand_ins, tmp_path):
    summary = ran(stand_ins, DYNAMIC, tmp_path)
    assert summary["samples_per_epoch"] == [52, 52, 175]
    assert summary["usage"]["never_used"] == 0


@pytest.mark.slow
def test_k_center_takes_features_of_roberta_alone(stand_ins, tmp_path):
    own = ["selector={name: KCenter, keep: 0.3}", "sae=null", "scores=null"]
    summary = ran(stand_ins, STATIC, tmp_path, *own)
    assert summary["samples_per_epoch"] == [52] * 3
    assert "features" in summary["seconds"] and "sae" not in summary["seconds"]


@pytest.mark.slow
def test_posts_of_one_user_stay_together(stand_ins, tmp_path):
    summary = ran(stand_ins, STATIC, tmp_path, "dataset.group_by=users")
    assert 40 < summary["samples_per_epoch"][0] < 60


def test_no_post_is_shown_anywhere(stand_ins, tmp_path, caplog, capsys):
    ran(stand_ins, STATIC, tmp_path, report=True)
    shown = [p for p in tmp_path.rglob("*") if p.suffix in (".json", ".html", ".yaml", ".md")]
    own = [path for path in shown if "tokenizer" not in path.name]
    assert len(own) > 5
    assert not any(MARKER in path.read_text() for path in own)
    assert MARKER not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.slow
def test_table_2_has_k_center_beside_both_variants(stand_ins, tmp_path):
    small = [*stand_ins.overrides(yaml_files.read(STATIC)), *SMALL]
    once = ["compare.keeps=[0.3]", "compare.seeds=[0]", f"output_dir={tmp_path}"]
    recipe = load(STATIC, [*small, *once])
    found = compare(recipe, comparison(recipe.compare, recipe.selector))
    assert not found.failed
    methods = read_results(found.folder / "results").runs[0.3]
    tail = "RS2+tail-0-1"
    assert methods.keys() == {"FullData", "RS2", tail, "KCenter", "RepDiv", "RepDiv_dynamic"}
