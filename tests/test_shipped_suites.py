"""Every suite in `recipes/` is valid with all of its members, and can be planned."""

from pathlib import Path

import datasets
import pytest

from hf_dynsel import yaml_files
from hf_dynsel.compare.cells import source_of
from hf_dynsel.compare_section import FULL_DATA
from hf_dynsel.planning import MadeUp
from hf_dynsel.published import published
from hf_dynsel.suite import compare_suite, load_suite, plan_suite
from stand_ins import RECIPES, StandIns

GROUPS = ("paper_a", "paper_b", "surrogate")
SUITES = [path for group in GROUPS for path in sorted((RECIPES / group).rglob("suite.yaml"))]
ASKED = ("confirm", "features", "lr_follows", "normalization", "regimes")
BY_STEPS = [f"surrogate_{name}" for name in ASKED]
IN_PAPER_B = [f"table{number}" for number in range(1, 11)]


def place(path: Path) -> str:
    return "_".join(path.parent.relative_to(RECIPES).parts)


@pytest.mark.parametrize("path", SUITES, ids=place)
def test_it_is_valid_and_named_after_its_folder(path):
    loaded = load_suite(path)
    assert loaded.suite.suite == place(path)
    assert loaded.recipes.keys() == loaded.suite.members.keys()


@pytest.mark.parametrize("path", SUITES, ids=place)
def test_the_learning_rate_follows_epochs_as_in_the_papers(path):
    if place(path) not in BY_STEPS:
        for recipe in load_suite(path).recipes.values():
            assert recipe.trainer["lr_follows"] == "epoch"


@pytest.mark.slow
@pytest.mark.parametrize("path", SUITES, ids=place)
def test_all_methods_of_all_members_can_be_planned(path):
    loaded = load_suite(path)
    parts = list(plan_suite(loaded, MadeUp(rows=1000, classes=4)))
    assert sum(part.startswith("## ") for part in parts) == len(loaded.recipes)
    assert "".join(parts).count("| FullData |") == sum(part.startswith("### ") for part in parts)


@pytest.mark.parametrize("table", IN_PAPER_B)
def test_every_method_that_the_table_prints_is_compared(table):
    loaded = load_suite(RECIPES / "paper_b" / table / "suite.yaml")
    suite = loaded.suite
    assert (suite.paper, suite.table) == ("B", table.removeprefix("table"))
    beside = [number for name in suite.members for number in [*suite.numbers(name), *suite.drops()]]
    assert {*published().table("B", suite.table or "")} <= {*beside}


def test_members_of_imagenet_train_as_many_samples_as_ninety_full_epochs():
    members = load_suite(RECIPES / "paper_b" / "table2" / "suite.yaml").recipes
    for name in ("imagenet1k_keep70", "imagenet1k_keep50", "imagenet1k_keep30"):
        section, trainer = members[name].compare, members[name].trainer
        assert section is not None and section["rule"] == "equal_samples"
        assert section["keeps"][0] * trainer["num_train_epochs"] == pytest.approx(90, abs=0.5)


def test_the_encoder_of_table_7_is_the_full_data_model_of_its_first_member():
    members = load_suite(RECIPES / "paper_b" / "table7" / "suite.yaml").recipes
    source = source_of(members["clip"])
    cell = source.cell("equal_epochs", 0.7, FULL_DATA, {"name": FULL_DATA}, 0, {})
    features = members["resnet18"].features
    assert features is not None
    assert Path(features["weights"]) == cell.recipe.folder / "model" / "model.safetensors"


@pytest.mark.slow
def test_table_8_stands_beside_the_published_one(tmp_path, monkeypatch):
    """Both members at a small size: clean and noisy, and what the noise takes away."""
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path / "dynsel"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    folder = RECIPES / "paper_b" / "table8"
    recipe = yaml_files.read(folder / "cifar100_resnet50_noise.yaml")
    small = [*StandIns(tmp_path / "stand_ins").overrides(recipe), "trainer.num_train_epochs=3"]
    small += ["model.architecture=small_cnn", "compare.keeps=[0.3]", "compare.seeds=[0]"]
    loaded = load_suite(folder / "suite.yaml", [*small, f"output_dir={tmp_path / 'out'}"])
    ran = compare_suite(loaded)
    assert not ran.failed
    table = (ran.folder / "suite.md").read_text()
    for number in ("75.7", "60.86", "14.84"):  # clean, noisy and the difference of theirs
        assert number in table
