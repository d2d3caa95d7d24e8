"""A recipe in two processes: one of them writes, and the model may be sharded."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from hf_dynsel import yaml_files
from hf_dynsel.recipe import load
from hf_dynsel.run import run
from hf_dynsel.scores import load_scores
from launching import torchrun
from stand_ins import RECIPES, StandIns

pytestmark = pytest.mark.slow

SHARDED = RECIPES / "paper_b" / "table2" / "imagenet1k_resnet34_fsdp.yaml"


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path / "dynsel"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))


def selections(folder):
    table = pq.read_table(folder / "selections.parquet")
    return np.stack([table["epoch"].to_numpy(), table["index"].to_numpy()])


def test_a_sharded_recipe_trains_on_what_one_process_would(tmp_path):
    """Batches of eight, in two processes or in one; the scores are those of the latter."""
    small = StandIns(tmp_path / "stand_ins").overrides(yaml_files.read(SHARDED))
    small += ["model.size=32", "model.shorter_side=36"]
    alone, both = tmp_path / "alone", tmp_path / "both"
    run(load(SHARDED, [*small, "trainer.fsdp=false", f"output_dir={alone}"]), report=False)
    small += [f"scores={{from: {alone / 'scores'}}}", "features=null", "sae=null"]
    halves = ["trainer.per_device_train_batch_size=4", f"output_dir={both}"]
    torchrun(2, "recipe_run.py", str(SHARDED), *small, *halves)
    one, two = (json.loads((folder / "summary.json").read_text()) for folder in (alone, both))
    for key in ("samples_per_epoch", "optimizer_steps", "usage"):
        assert one[key] == two[key]
    np.testing.assert_array_equal(selections(alone), selections(both))
    assert (both / "model" / "model.safetensors").is_file()


def test_a_recipe_is_scored_and_trained_in_two_processes_as_in_one(tmp_path, monkeypatch):
    """Sharded in two processes: what scoring sets up must leave that to the trainer."""
    digits = str(RECIPES / "quickstart_digits.yaml")
    small = ["sae.epochs=2", "trainer.num_train_epochs=2", "trainer.eval_strategy=no"]
    small += ["trainer.fsdp_config={transformer_layer_cls_to_wrap: Linear}"]
    for count, sharded in ((1, False), (2, True)):
        monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path / f"cache-{count}"))
        batch = f"trainer.per_device_train_batch_size={32 // count}"
        own = [batch, f"trainer.fsdp={str(sharded).lower()}", f"output_dir={tmp_path / str(count)}"]
        torchrun(count, "recipe_run.py", digits, *small, *own)
    one, two = (tmp_path / str(count) for count in (1, 2))
    assert load_scores(two / "scores").rows.equals(load_scores(one / "scores").rows)
    np.testing.assert_array_equal(selections(one), selections(two))


def test_two_processes_train_proxies_together(tmp_path):
    """Their batches are those of one process, and so are the scores, but for the last digits."""
    small = ["dataset.train_size=200", "trainer.num_train_epochs=1", "features=null", "sae=null"]
    small += ["scores=null", "proxy={epochs: 2, scores: {EL2N: {}}}", "selector={name: TopScore, "]
    small[-1] += "keep: 0.5, score: el2n}"
    digits = str(RECIPES / "quickstart_digits.yaml")
    for count in (1, 2):
        batch = f"trainer.per_device_train_batch_size={32 // count}"
        folder = f"output_dir={tmp_path / str(count)}"
        torchrun(count, "recipe_run.py", digits, *small, batch, folder)
    one, two = (load_scores(tmp_path / f"{count}" / "scores").rows for count in (1, 2))
    np.testing.assert_allclose(one["score_el2n"].to_numpy(), two["score_el2n"].to_numpy(), atol=0.1)
    assert len(list((tmp_path / "dynsel" / "proxy").glob("*/run.safetensors"))) == 2
