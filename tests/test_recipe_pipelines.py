"""Each kind of pipeline of the papers' recipes runs, with what it would download replaced."""

import json

import datasets
import pyarrow.parquet as pq
import pytest

from hf_dynsel import yaml_files
from hf_dynsel.compare import compare
from hf_dynsel.compare.results import read_results
from hf_dynsel.compare_section import comparison
from hf_dynsel.recipe import load
from hf_dynsel.run import run
from stand_ins import RECIPES, StandIns, image_folder

NOTHING_SCORED = ["features=null", "sae=null", "scores=null"]
SMALLER = ["model.size=32", "model.shorter_side=36"]


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    return StandIns(tmp_path_factory.mktemp("stand_ins"))


@pytest.fixture(autouse=True)
def caches(tmp_path_factory, monkeypatch):
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(base / "dynsel"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", base / "datasets")


@pytest.fixture
def ran(stand_ins, tmp_path):
    """Returns the summary of a run of a recipe, with overrides after those that make it small."""

    def run_recipe(name: str, *overrides: str) -> dict:
        path = RECIPES / f"{name}.yaml"
        small = stand_ins.overrides(yaml_files.read(path))
        recipe = load(path, [*small, "proxy=null", *overrides, f"output_dir={tmp_path}"])
        return json.loads((run(recipe, report=False) / "summary.json").read_text())

    return run_recipe


def test_clip_features_are_coded_and_scored_for_a_resnet(ran):
    summary = ran("paper_b/table1/cifar10_resnet18")
    assert summary["samples_per_epoch"] == [7, 24]  # of 24; the last epoch is whole
    assert {"features", "sae", "scores"} <= summary["seconds"].keys()


def test_adapters_looks_and_augmentation(ran, tmp_path):
    summary = ran("paper_a/table1/cifar10_resnet18")
    assert summary["samples_per_epoch"] == [24, 12]  # the first epoch is whole
    assert summary["samples_swept"] == 24
    marks = pq.read_table(tmp_path / "selections.parquet")["augment"].to_pylist()
    assert marks == [False] * 24 + [True] * 12


@pytest.mark.slow
def test_vgg_and_the_fine_labels_of_cifar_100(ran, tmp_path):
    assert ran("paper_b/table3/cifar100_vgg16")["samples_per_epoch"] == [16, 24]
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert "aquarium_fish" in str(config)


@pytest.mark.slow
def test_a_small_vision_transformer(ran):
    assert ran("paper_b/figure5/cifar10_vit_small")["optimizer_steps"] == 1 + 3


@pytest.mark.slow
def test_a_vision_transformer_for_larger_images(ran):
    shape = ["model.architecture=vit_tiny_patch16_224", "model.pretrained=false"]
    summary = ran("paper_b/backbones/cifar10_vit_b16", *shape)
    assert summary["samples_per_epoch"] == [7, 24]


@pytest.mark.slow
def test_the_subset_of_figure_3_is_that_of_rep_alone(ran, tmp_path):
    """24 images in three classes: two of the seven are from each, and one more."""
    assert ran("paper_b/figure3/cifar10_clip")["samples_per_epoch"] == [7, 7]
    assert (tmp_path / "scores" / "scores.parquet").is_file()


@pytest.mark.slow
def test_imagenet_of_the_hub(ran):
    assert ran("paper_b/table2/imagenet1k_resnet34", *SMALLER)["samples_full"] == 2 * 24


@pytest.mark.slow
def test_imagenet_of_a_folder_of_images(ran, tmp_path):
    folder = image_folder(tmp_path / "imagenet")
    splits = "splits: {train: train, validation: test}"
    files = f"dataset={{loader: files, path: {folder}, {splits}}}"
    assert ran("paper_b/table2/imagenet1k_resnet34", *SMALLER, files)["samples_full"] == 2 * 24


@pytest.mark.slow
def test_wrong_labels_of_cifar_100(ran):
    noise = ran("paper_b/table8/cifar100_resnet50_noise", "model.architecture=small_cnn")
    assert 0 < noise["label_noise"]["pool"] < 0.2


@pytest.mark.slow
def test_words_for_the_wordnet_ids_of_tiny_imagenet(ran):
    """The published classes, one image of each; the selection of table 9's baseline."""
    small = ["model.architecture=small_cnn", "selector={name: ClipPowered, keep: 0.9}"]
    summary = ran("paper_b/table9/tiny_imagenet_vgg16", *small)
    assert summary["samples_per_epoch"] == [180, 180]
    assert summary["seconds"]["adapters"] > 0


@pytest.mark.slow
def test_features_of_a_model_that_was_trained_before(ran, tmp_path):
    """Table 7: the encoder is the model of a full-data run."""
    recipe, small = "paper_b/table1/cifar10_resnet18", "model.architecture=small_cnn"
    ran(recipe, small, "selector={name: FullData}", *NOTHING_SCORED)
    model = (tmp_path / "model").rename(tmp_path / "encoder") / "model.safetensors"
    probe = f"backbone: TimmImage, architecture: small_cnn, batch_size: 8, weights: {model}"
    summary = ran(recipe, small, f"features={{{probe}}}")
    assert summary["samples_per_epoch"] == [7, 24]


@pytest.mark.slow
def test_the_baselines_of_table_1_get_their_scores_of_one_proxy(ran):
    """Among them exact gradient norms, and vectors for the pruning by influence."""
    wanted = "vectors: true, epochs: 2, scores: {GraNd: {epochs: [1], exact: true}, MoSo: {}}"
    chosen = ["selector={name: DatasetPruning, keep: 0.5}", f"proxy={{{wanted}}}"]
    small = "model.architecture=small_cnn"
    summary = ran("paper_b/table1/cifar10_resnet18", small, *NOTHING_SCORED, *chosen)
    assert summary["samples_per_epoch"] == [12, 12]
    assert summary["seconds"]["proxy"] > 0


MULTI_STEP = ["lr_schedule=multi_step", "lr_scheduler_kwargs={milestones: [1], gamma: 0.2}"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "rates"),
    [(MULTI_STEP, [0.1, 0.02]), (["lr_schedule=one_cycle"], [0.0919, 0.0099])],
    ids=["multi_step", "one_cycle"],
)
def test_schedules_of_table_10(ran, tmp_path, settings, rates):
    """The last rate of two epochs of three steps; that of steps 2 and 5 of torch's one cycle.

    It rises until step 1.1, to 0.1, and falls to nothing at step 6, as a cosine does.
    """
    given = ["selector={name: FullData}", "model.architecture=small_cnn", *NOTHING_SCORED]
    given += [f"trainer.{setting}" for setting in settings]
    ran("paper_b/table1/cifar100_resnet18", *given)
    history = json.loads((tmp_path / "log_history.json").read_text())
    found = [entry["learning_rate"] for entry in history if "learning_rate" in entry]
    assert found == pytest.approx(rates, abs=5e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar10_resnet18", "cifar100_resnet50"])
def test_every_method_of_table_1_runs(name, stand_ins, tmp_path):
    path = RECIPES / "paper_b" / "table1" / f"{name}.yaml"
    small = [*stand_ins.overrides(yaml_files.read(path)), "model.architecture=small_cnn"]
    small += ["trainer.num_train_epochs=3", "trainer.eval_strategy=no"]
    if "resnet18" in name:  # whose scores are of the first epochs of 200
        small += ["proxy.scores.GraNd={epochs: [1], exact: true}", "proxy.scores.MoSo={}"]
    once = ["compare.keeps=[0.5]", "compare.seeds=[0]", f"output_dir={tmp_path}"]
    recipe = load(path, [*small, *once])
    wanted = comparison(recipe.compare, recipe.selector)
    found = compare(recipe, wanted)
    assert not found.failed
    assert wanted.methods.keys() <= read_results(found.folder / "results").runs[0.5].keys()
