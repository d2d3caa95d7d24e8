"""Every recipe in `recipes/` is valid, named after its place, listed, and can be planned."""

import re
from pathlib import Path

import pytest

from hf_dynsel import yaml_files
from hf_dynsel.planning import MadeUp, plan_recipe
from hf_dynsel.recipe import load
from stand_ins import RECIPES

SUITE = "suite.yaml"
YAML = sorted(RECIPES.rglob("*.yaml"))
FILES = [path for path in YAML if path.name != SUITE and "results" not in path.parts]
SUITES = [path for path in YAML if path.name == SUITE]
README = (RECIPES / "README.md").read_text(encoding="utf-8")


def place(path: Path) -> str:
    return str(path.relative_to(RECIPES).with_suffix(""))


def test_there_are_recipes_for_all_tables_and_examples_to_copy():
    groups = {path.parent.name for path in SUITES if "paper_b" in path.parts}
    assert groups >= {f"table{number}" for number in range(1, 11)} | {"figure4", "figure5"}
    assert len([path for path in FILES if path.parent == RECIPES]) >= 10


@pytest.mark.parametrize("path", FILES, ids=place)
def test_it_is_valid_and_named_after_its_place(path):
    assert load(path).name == place(path).replace("/", "_")


@pytest.mark.parametrize("path", FILES, ids=place)
def test_it_reads_back_as_itself_when_complete(path, tmp_path):
    recipe = load(path)
    yaml_files.write(recipe.plain(), tmp_path / "recipe.yaml")
    assert load(tmp_path / "recipe.yaml").plain() == recipe.plain()


@pytest.mark.parametrize("path", FILES, ids=place)
def test_it_can_be_planned_before_there_is_data(path):
    found = plan_recipe(load(path), MadeUp(rows=400, classes=4))
    assert 0 < found.samples_trained <= found.samples_full
    assert len(found.samples_per_epoch) >= 1


@pytest.mark.parametrize("path", FILES + SUITES, ids=place)
def test_it_is_in_the_list(path):
    assert f"`{place(path)}`" in README or f"`{place(path.parent)}/{path.name}`" in README


def test_the_list_has_nothing_else():
    named = re.findall(r"`((?:paper_[ab]|surrogate)/[\w/]+)`", README)
    assert {RECIPES / f"{name}.yaml" for name in named} <= {*FILES}


@pytest.mark.parametrize("path", FILES, ids=place)
def test_lines_are_no_longer_than_those_of_code(path):
    assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 100


PAPER_B = [path for path in FILES if "paper_b" in path.parts]


@pytest.mark.parametrize("path", PAPER_B, ids=place)
def test_the_papers_settings_are_written_out(path):
    """So that they stay as they are when a default of the library changes."""
    recipe = load(path)
    assert recipe.trainer["lr_follows"] == "epoch"
    assert recipe.sae is not None and recipe.sae["topk_mode"] == "relu"
    assert recipe.scores is not None
    assert recipe.scores["Representativeness"] == {"common_frac": 0.1, "normalize": "minmax"}
    methods = (recipe.compare or {}).get("methods", {}).values()
    for section in [recipe.selector, *(own for own in methods if own["name"] == "RepDiv")]:
        assert {"penalty", "refine", "quota", "warmup_epochs"} <= section.keys()
        scheduled = "alpha" not in section and section.get("diversity", "") is not None
        assert not scheduled or {"alpha_min", "midpoint", "sharpness"} <= section.keys()
