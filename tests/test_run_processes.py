"""A recipe in two processes: one of them writes, and the model may be sharded."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from hf_dynsel import yaml_files
from hf_dynsel.recipe import load
from hf_dynsel.run import run
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


def test_several_processes_do_not_each_score_the_data(tmp_path):
    digits = str(RECIPES / "quickstart_digits.yaml")
    with pytest.raises(AssertionError, match="each of 2 processes would score.*`hf-dynsel score`"):
        torchrun(2, "recipe_run.py", digits, f"output_dir={tmp_path}")
