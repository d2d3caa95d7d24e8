"""Adapters in a recipe: trained, kept, charged, loaded, and refused before any encoding."""

import logging
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hf_dynsel.recipe import load
from hf_dynsel.run import score_only
from hf_dynsel.stages import load_data
from test_run import MINILM, QUICKSTART, read, short_run

ADAPTERS = f"{{texts: TransformersText, model: {MINILM}, max_length: 32, learning_rate: 0.01}}"
NOISY = [
    "dataset.label_noise={share: 0.2}",
    "sae=null",
    f"adapters={ADAPTERS}",
    "scores={Consistency: {}}",
    "selector={name: TopScore, score: consistency, keep: 0.5}",
]
RANKED = "scores={Consistency: {normalize: rank}}"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path_factory.getbasetemp() / "dynsel"))


def test_adapters_keep_wrong_labels_out_and_are_kept_and_charged(tmp_path, caplog):
    """Pixels of digits with embeddings of their names; a fifth of the labels is redrawn."""
    caplog.set_level(logging.INFO, logger="hf_dynsel")
    first = short_run(tmp_path / "a", *NOISY, report=False)
    noisy = load_data(load(QUICKSTART, NOISY))["train"]
    wrong = np.array(noisy["label"]) != np.array(noisy["clean_label"])
    chosen = pq.read_table(first / "selections.parquet")["index"].to_numpy()
    assert wrong.mean() > 0.16
    assert wrong[chosen].mean() < 0.05
    caplog.clear()
    again = short_run(tmp_path / "b", *NOISY, report=False)
    assert "scores: reused from" in caplog.text
    assert read(again)["seconds"]["adapters"] == read(first)["seconds"]["adapters"] > 0
    caplog.clear()
    score_only(load(QUICKSTART, [*NOISY, RANKED]))
    assert "features: reused from" in caplog.text
    assert "adapters: reused from" in caplog.text


def test_other_noise_in_the_labels_encodes_no_image_again(caplog):
    caplog.set_level(logging.INFO, logger="hf_dynsel")
    for share in (0.3, 0.4):
        caplog.clear()
        noise = f"dataset.label_noise={{share: {share}}}"
        score_only(load(QUICKSTART, [*NOISY, noise]))
    assert "features: reused from" in caplog.text
    assert "adapters: kept in" in caplog.text


def test_adapters_of_other_data_score_these(tmp_path, caplog):
    score_only(load(QUICKSTART, [*NOISY, "dataset.seed=1", "seed=1"]))
    newest = max((Path(os.environ["HF_DYNSEL_CACHE"]) / "adapters").iterdir(), key=os.path.getmtime)
    caplog.set_level(logging.INFO, logger="hf_dynsel")
    score_only(load(QUICKSTART, [*NOISY, f"adapters={{from: {newest}}}"]))
    assert f"adapters: read from {newest}" in caplog.text


def test_adapters_for_another_encoder_are_refused_before_any_image_is_encoded(tmp_path, caplog):
    score_only(load(QUICKSTART, NOISY))
    newest = max((Path(os.environ["HF_DYNSEL_CACHE"]) / "adapters").iterdir(), key=os.path.getmtime)
    caplog.set_level(logging.INFO, logger="hf_dynsel")
    recipe = load(QUICKSTART, [*NOISY, f"adapters={{from: {newest}}}", "features.pca=8"])
    with pytest.raises(ValueError, match=r"another encoder.*\(pca: None there and 8 here\)"):
        score_only(recipe)
    assert "features:" not in caplog.text


def test_a_description_of_no_class_is_found_before_any_image_is_encoded(caplog):
    caplog.set_level(logging.INFO, logger="hf_dynsel")
    recipe = load(QUICKSTART, [*NOISY, "adapters.descriptions={ten: the number ten}"])
    with pytest.raises(ValueError, match="there is no class 'ten'; the classes are 0, 1, 2"):
        score_only(recipe)
    assert "features:" not in caplog.text
