"""Density x consistency from a recipe to its report, on digits with wrong labels; and mixing."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hf_dynsel.planning import MadeUp, plan_recipe
from hf_dynsel.recipe import load
from hf_dynsel.run import run
from test_run import QUICKSTART
from test_run_adapters import ADAPTERS

EPOCHS = 4
NOISY = [
    f"trainer.num_train_epochs={EPOCHS}",
    "dataset.label_noise={share: 0.2}",
    "sae=null",
    f"adapters={ADAPTERS}",
    "scores={Consistency: {}}",
]


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DYNSEL_CACHE", str(tmp_path_factory.getbasetemp() / "dynsel"))
        yield


def run_with(folder: Path, *overrides: str) -> dict:
    finished = run(load(QUICKSTART, [*NOISY, *overrides, f"output_dir={folder}"]))
    return json.loads((finished / "summary.json").read_text())


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("joint")
    return folder, run_with(folder, "selector={name: DensityConsistency, keep: 0.5}")


@pytest.mark.slow
def test_consistency_keeps_wrong_labels_out_and_density_alone_does_not(joint, tmp_path):
    """Where labels are wrong, features lie sparse: alone, density does not avoid them."""
    noise = joint[1]["label_noise"]
    assert 0.16 < noise["pool"] == noise["selected"][0]  # warm-up
    assert max(noise["selected"][1:]) < 0.08
    density = "selector={name: DensityConsistency, keep: 0.5, consistency: null, augment: false}"
    alone = run_with(tmp_path, density)["label_noise"]["selected"]
    assert min(alone[1:]) > 0.1


def test_exactly_the_selected_samples_of_selecting_epochs_are_marked(joint):
    table = pq.read_table(joint[0] / "selections.parquet")
    epochs, marks = table["epoch"].to_numpy(), table["augment"].to_numpy(zero_copy_only=False)
    assert np.array_equal(marks, epochs > 0)


def test_looks_are_in_the_summary_and_the_report(joint):
    folder, summary = joint
    size = summary["samples_full"] // EPOCHS
    assert summary["samples_swept"] == (EPOCHS - 1) * size
    assert summary["seconds"]["sweep"] > 0
    assert [look["recall"] for look in summary["sweeps"]] == [1.0] * (EPOCHS - 1)
    page = (folder / "report.html").read_text()
    assert "What looking at the samples cost" in page
    assert "Wrong labels among the samples" in page


@pytest.mark.slow
def test_rep_div_scores_and_consistency_are_blended_by_recipe(tmp_path):
    """Half of the selected samples are marked in the epochs that look: not the first, not full."""
    summary = run_with(
        tmp_path,
        "sae={expansion: 4, k: 8, epochs: 5}",
        "scores={Representativeness: {}, Diversity: {}, Consistency: {}}",
        "selector={name: RepDivConsistency, keep: 0.3, refine: 0.25, augment: 0.5}",
    )
    table = pq.read_table(tmp_path / "selections.parquet")
    epochs, marks = table["epoch"].to_numpy(), table["augment"].to_numpy(zero_copy_only=False)
    sizes = np.bincount(epochs)
    assert np.bincount(epochs, marks).tolist() == [0, round(sizes[1] / 2), round(sizes[2] / 2), 0]
    assert max(summary["label_noise"]["selected"][:-1]) < 0.12


@pytest.mark.slow
def test_mixed_batches_train_with_signals(tmp_path):
    summary = run_with(
        tmp_path,
        "dataset.label_noise=null",
        "adapters=null",
        "features=null",
        "scores=null",
        "mixing={mixup_alpha: 0.2, cutmix_alpha: 0.5}",
        "selector={name: InfoBatch}",
    )
    assert summary["eval"]["accuracy"] > 0.7
    assert summary["samples_trained"] < summary["samples_full"]


def test_a_plan_counts_looks_before_there_are_features():
    found = plan_recipe(
        load(QUICKSTART, [*NOISY, "selector={name: DensityConsistency, keep: 0.5}"]),
        MadeUp(1000, 10),
    )
    assert found.samples_per_epoch == (1000, 500, 500, 500)
    assert found.samples_swept == 3000 and found.choice is None
