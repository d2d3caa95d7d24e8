"""A recipe decodes its images once where the rest of it lets it, and selects the same."""

import json
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from hf_dynsel.data import DecodedImages
from hf_dynsel.preparing import model_view
from hf_dynsel.recipe import RecipeError, load
from hf_dynsel.run import run
from hf_dynsel.stages import load_data
from stand_ins import RECIPES

FASHION = RECIPES / "fashion_mnist_small_repdiv.yaml"
DIGITS = RECIPES / "quickstart_digits.yaml"
PLAIN = ["features=null", "sae=null", "scores=null", "selector={name: DynamicRandom, keep: 0.5}"]
SMALL = ["dataset.train_size=200", "dataset.eval_size=50", "trainer.num_train_epochs=2"]


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path / "dynsel"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")


@pytest.mark.parametrize(
    ("recipe", "override", "fault"),
    [
        ("fashion_mnist_small_repdiv", "dataset.decode_once=1", "dataset.decode_once: 1 is not of"),
        (
            "fashion_mnist_small_repdiv",
            "mixing={mixup_alpha: 0.8}",
            "dataset.decode_once: crops images on the device, after mixing",
        ),
        (
            "fashion_mnist_small_repdiv",
            "model={architecture: small_cnn, random_area: true, size: 24}",
            "dataset.decode_once: model.random_area resizes another area",
        ),
        ("fortunes_minilm_repdiv", "seed=0", "dataset.decode_once: is about images"),
    ],
)
def test_what_decoded_images_cannot_have_is_a_fault(recipe, override, fault):
    with pytest.raises(RecipeError) as caught:
        load(RECIPES / f"{recipe}.yaml", ["dataset.decode_once=true", override])
    assert any(line.startswith(fault) for line in caught.value.faults), caught.value.faults


def test_without_the_key_images_are_decoded_each_time():
    recipe = load(DIGITS, ["dataset.decode_once=false"])
    test = load_data(recipe)["test"]
    assert isinstance(model_view(recipe, test, False, None), datasets.Dataset)


def test_selected_images_are_augmented_on_the_device():
    selector = "selector={name: DensityConsistency, keep: 0.5}"
    scored = ["scores={from: folder}", selector, "features=null", "sae=null"]
    for once in (True, False):
        recipe = load(FASHION, [f"dataset.decode_once={str(once).lower()}", *scored])
        augmenter = recipe.build_augmenter()
        assert augmenter.on_device is once
        assert (augmenter.mean is None) is once


def test_a_run_decodes_once_and_selects_the_same(tmp_path):
    """Both runs train on the same samples; what they see of them is drawn apart."""
    chosen, decoded = [], []
    for once in ("true", "false"):
        folder = tmp_path / once
        own = [f"dataset.decode_once={once}", f"output_dir={folder}"]
        recipe = load(FASHION, [*PLAIN, *SMALL, *own])
        run(recipe, report=False)
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["samples_per_epoch"] == [100, 100]
        chosen.append(pq.read_table(folder / "selections.parquet"))
        decoded.append(len(list(Path(tmp_path / "dynsel").glob("images/*.safetensors"))))
    assert chosen[0].equals(chosen[1])
    assert decoded == [2, 2]  # the training and the test images, of the first run alone


def test_sweeps_read_the_file_that_training_reads():
    recipe = load(DIGITS, ["dataset.decode_once=true", "model.flip=true"])
    train = load_data(recipe)["train"]
    views = [model_view(recipe, train, training, None) for training in (True, False)]
    assert all(isinstance(view, DecodedImages) for view in views)
    assert views[0].images.file == views[1].images.file
    assert views[0].transform.flip and not views[1].transform.flip
