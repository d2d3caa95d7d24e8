"""Recipes whose scores and vectors come of proxy models that are trained first."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.torch import save_file

from hf_dynsel import DynamicSelectionTrainer
from hf_dynsel.ledger import Ledger
from hf_dynsel.preparing import build_model
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


@pytest.mark.parametrize("settings", [{"logging_steps": 7}, {"save_total_limit": 2}])
def test_what_does_not_change_the_training_keeps_the_proxy(tmp_path, settings):
    wanted = {"epochs": 1, "scores": {"Margin": {}}}
    plain = {"proxy": wanted, "selector": {"name": "FullData"}}
    changed = plain | {"trainer": CONTENT["trainer"] | settings}
    data = load_data(recipe(tmp_path))["train"]
    assert collect_proxy(recipe(tmp_path, **plain), data, Ledger()) == collect_proxy(
        recipe(tmp_path, **changed), data, Ledger()
    )


def test_other_weights_to_start_from_are_another_proxy(tmp_path, trainings):
    """The file keeps its name, and the recipe every letter."""
    wanted = {"epochs": 1, "scores": {"Margin": {}}}
    weights, folders = tmp_path / "weights.safetensors", []
    model = CONTENT["model"] | {"checkpoint": str(weights)}
    own = recipe(tmp_path, proxy=wanted, model=model, selector={"name": "FullData"})
    data = load_data(own)["train"]
    for seed in (1, 2):
        start, _ = build_model(replace(own, model=CONTENT["model"]), data, seed)
        save_file(start.timm_model.state_dict(), weights)
        folders.append(collect_proxy(own, data, Ledger()))
    assert folders[0] != folders[1] and len(trainings) == 2


def stopped_in(run):
    train, count = DynamicSelectionTrainer.train, iter(range(1, 99))

    def stopping(trainer):
        if next(count) == run:
            raise KeyboardInterrupt
        return train(trainer)

    return stopping


def raw_entropy(own, data):
    alone = {"epochs": 1, "runs": 1, "scores": {"Entropy": {"normalize": None}}}
    folder = collect_proxy(replace(own, proxy=alone), data, Ledger())
    return pq.read_table(folder / "scores.parquet")["score_entropy"].to_numpy()


def test_an_interruption_costs_one_training_and_more_runs_cost_what_they_add(
    tmp_path, trainings, monkeypatch
):
    wanted = {"epochs": 1, "runs": 2, "scores": {"Entropy": {"normalize": None}}}
    own = recipe(tmp_path, seed=5, proxy=wanted, selector={"name": "FullData"})
    data = load_data(own)["train"]
    with monkeypatch.context() as patch:
        patch.setattr("hf_dynsel.proxy.DynamicSelectionTrainer.train", stopped_in(run=2))
        with pytest.raises(KeyboardInterrupt):
            collect_proxy(own, data, Ledger())
    folder = collect_proxy(replace(own, proxy=wanted | {"runs": 3}), data, Ledger())
    assert trainings == [1005, 2005, 2005, 3005]
    means = pq.read_table(folder / "scores.parquet")["score_entropy"].to_numpy()
    parts = [raw_entropy(replace(own, seed=seed), data) for seed in (5, 1005, 2005)]
    assert len(trainings) == 4, "single runs are those of the three"
    np.testing.assert_allclose(means, np.mean(parts, axis=0), rtol=1e-6)


def test_scores_of_one_proxy_are_not_those_of_another(tmp_path):
    """Computed scores are kept apart from collected ones, which depend on more."""
    encoded = {"features": {"backbone": "Pixels"}, "scores": {"CenterDistance": {}}}
    found = []
    for epochs in (1, 2):
        wanted = {"epochs": epochs, "scores": {"EL2N": {"epochs": epochs}}}
        own = recipe(tmp_path, proxy=wanted, **encoded)
        found.append(score(own, load_data(own)["train"], Ledger()).pool().scores["el2n"])
    assert not np.allclose(*found)


def test_vectors_can_be_all_that_is_collected(tmp_path):
    wanted = {"epochs": 1, "vectors": True}
    own = recipe(tmp_path, proxy=wanted, selector={"name": "DatasetPruning"})
    scored = score(own, load_data(own)["train"], Ledger())
    assert scored.columns.keys() == {"proxy_error", "proxy_features"} and scored.folder is None


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
        (
            {"proxy": {"scores": {"EL2N": {"epochs": [3]}}}},
            "looks after 3 epochs, and the run has 2",
        ),
        ({"proxy": {"scores": {"TDDS": {}}}}, "proxy.scores: TDDS needs at least 3 epochs"),
        ({"proxy": {"vectors": True, "runs": 0}}, "proxy.runs: must be at least 1, got 0"),
        ({"proxy": {"vectors": True, "epochs": 2.5}}, "proxy.epochs: 2.5 is not of type int"),
        ({"scores": {"EL2N": {}}}, "scores.EL2N: is collected of a training; move it to proxy"),
        ({"proxy": None}, "reads the score 'el2n', which is not made; add proxy.scores.EL2N"),
        ({"selector": {"name": "KCenter"}}, "KCenter reads 'features'; add the section 'features'"),
        (
            {"proxy": {"scores": {"AUM": {}}}, "selector": {"name": "DatasetPruning"}},
            "DatasetPruning reads 'proxy_error'; add the section 'proxy' with vectors: true",
        ),
    ],
)
def test_a_section_with_faults_is_refused(changes, fault):
    assert any(fault in found for found in faults(**changes)), faults(**changes)
