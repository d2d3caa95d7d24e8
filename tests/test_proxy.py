"""Recipes whose scores and vectors come of proxy models that are trained first."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hf_dynsel.ledger import Ledger
from hf_dynsel.proxy import collect_proxy
from hf_dynsel.recipe import RecipeError, check
from hf_dynsel.run import run
from hf_dynsel.stages import load_data, score

ROWS, EPOCHS = 120, 2
CONTENT = {
    "name": "proxied",
    "dataset": {"loader": "digits", "train_size": ROWS, "subset_seed": 0, "eval_size": 40},
    "model": {"architecture": "small_cnn", "in_chans": 1},
    "proxy": {"scores": {"EL2N": {"epochs": [1]}, "Forgetting": {}}, "vectors": True},
    "selector": {"name": "TopScore", "score": "el2n", "keep": 0.25},
    "trainer": {
        "num_train_epochs": EPOCHS,
        "per_device_train_batch_size": 20,
        "learning_rate": 0.003,
        "save_strategy": "no",
    },
}


def recipe(folder, **changes):
    return check(CONTENT | {"output_dir": str(folder)} | changes, "test")


def faults(**changes):
    with pytest.raises(RecipeError) as caught:
        check(CONTENT | changes, "test")
    return caught.value.faults


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path_factory.getbasetemp() / "proxies"))


@pytest.fixture
def trainings(monkeypatch):
    """Counts the proxies that are trained."""
    seeds = []
    train = __import__("hf_dynsel.proxy", fromlist=["_train"])._train

    def noted(recipe, data, collect, seed, work):
        seeds.append(seed)
        train(recipe, data, collect, seed, work)

    monkeypatch.setattr("hf_dynsel.proxy._train", noted)
    return seeds


def test_a_run_trains_its_proxy_and_selects_by_it(tmp_path):
    folder = run(recipe(tmp_path), report=False)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["seconds"]["proxy"] > 0
    assert summary["samples_per_epoch"] == [30, 30]
    table = pq.read_table(folder / "scores/scores.parquet")
    el2n = table["score_el2n"].to_numpy()
    chosen = pq.read_table(folder / "selections.parquet")["index"].to_numpy()[:30]
    assert set(chosen) == set(np.argsort(-el2n, kind="stable")[:30])


def test_what_a_proxy_gave_is_reused_and_charged_again(tmp_path, trainings):
    """Neither another selector, nor another length of the run, changes the proxy."""
    data = load_data(recipe(tmp_path))["train"]
    first, again = Ledger(), Ledger()
    own = {"proxy": {"epochs": 1, "scores": {"AUM": {}}}, "selector": {"name": "FullData"}}
    folder = collect_proxy(recipe(tmp_path, **own), data, first)
    longer = {**CONTENT["trainer"], "num_train_epochs": 9}
    other = own | {"trainer": longer, "selector": {"name": "DynamicRandom"}}
    assert collect_proxy(recipe(tmp_path, **other), data, again) == folder
    assert trainings == [1000]
    assert again.seconds["proxy"] == first.seconds["proxy"] > 0


def test_each_run_of_the_proxy_has_a_seed_of_its_own(tmp_path, trainings):
    wanted = {"epochs": 1, "runs": 2, "scores": {"Forgetting": {}}}
    twice = recipe(tmp_path, seed=3, proxy=wanted, selector={"name": "FullData"})
    folder = collect_proxy(twice, load_data(twice)["train"], Ledger())
    assert trainings == [1003, 2003]
    notes = json.loads((folder / "scores.json").read_text())
    assert notes["scores"]["forgetting"]["runs"] == 2


@pytest.mark.parametrize("settings", [{"learning_rate": 0.1}, {"per_device_train_batch_size": 40}])
def test_what_changes_the_training_changes_the_proxy(tmp_path, trainings, settings):
    wanted = {"epochs": 1, "scores": {"Forgetting": {}}}
    shorter = {"proxy": wanted, "selector": {"name": "FullData"}}
    changed = shorter | {"trainer": CONTENT["trainer"] | settings}
    data = load_data(recipe(tmp_path))["train"]
    first, second = (
        collect_proxy(recipe(tmp_path, **own), data, Ledger()) for own in (shorter, changed)
    )
    assert first != second and 1 <= len(trainings) <= 2


def test_a_selector_gets_the_vectors_that_it_reads(tmp_path):
    reading = recipe(tmp_path, selector={"name": "KCenter", "features": "proxy_features"})
    scored = score(reading, load_data(reading)["train"], Ledger())
    assert {name: column.shape for name, column in scored.columns.items()} == {
        "proxy_features": (ROWS, 128)
    }
    assert scored.pool().scores.keys() == {"el2n", "forgetting"}


def test_features_that_a_selector_reads_are_charged_once(tmp_path):
    """The scores are made of the same features, and hold what these cost."""
    encoded = {"features": {"backbone": "Pixels"}, "selector": {"name": "KCenter"}, "proxy": None}
    bare, ledgers = recipe(tmp_path, **encoded), [Ledger(), Ledger()]
    both = recipe(tmp_path, **encoded, scores={"CenterDistance": {}})
    data = load_data(bare)["train"]
    for own, ledger in zip((bare, both), ledgers, strict=True):
        assert score(own, data, ledger).columns["features"].shape == (ROWS, 64)
    assert ledgers[0].seconds["features"] == ledgers[1].seconds["features"] > 0


def test_scores_of_data_and_of_a_proxy_are_saved_together(tmp_path):
    changes = {"features": {"backbone": "Pixels"}, "scores": {"CenterDistance": {}}}
    folder = run(recipe(tmp_path, **changes), report=False)
    table = pq.read_table(folder / "scores/scores.parquet")
    assert {"score_el2n", "score_forgetting", "score_center_distance"} <= {*table.column_names}
    assert not list(Path(folder, "scores").glob("*.safetensors"))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"proxy": {}}, "proxy: collects nothing"),
        ({"proxy": {"scores": {"EL2M": {}}}}, "did you mean 'EL2N'?"),
        ({"proxy": {"scores": {"EL2N": {"epoch": 1}}}}, "did you mean 'epochs'?"),
        ({"proxy": {"vectors": True, "runs": 0}}, "proxy.runs: must be at least 1, got 0"),
        ({"proxy": {"vectors": True, "epochs": 2.5}}, "proxy.epochs: 2.5 is not of type int"),
        ({"scores": {"EL2N": {}}}, "scores.EL2N: is collected of a training; move it to proxy"),
        ({"proxy": None}, "selector: the pool has no score column 'el2n'"),
        ({"selector": {"name": "KCenter"}}, "KCenter reads 'features'; add the section 'features'"),
        (
            {"proxy": {"scores": {"AUM": {}}}, "selector": {"name": "DatasetPruning"}},
            "DatasetPruning reads 'proxy_error'; add the section 'proxy' with vectors: true",
        ),
    ],
)
def test_a_section_with_faults_is_refused(changes, fault):
    assert any(fault in found for found in faults(**changes)), faults(**changes)
