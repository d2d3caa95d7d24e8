"""Plans of suites: lengths of every method, from made-up rows or from the data."""

from pathlib import Path

import pytest

from hf_dynsel import yaml_files
from hf_dynsel.cli import main

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    methods = "{RepDiv: {name: RepDiv}, UCB: {name: UCB}, InfoBatch: {name: InfoBatch, keep: null}}"
    compare = f"compare={{keeps: [0.3], methods: {methods}}}"
    recipe = str(RECIPES / "quickstart_digits.yaml")
    members = {"digits": {"recipe": recipe, "set": [compare, "trainer.num_train_epochs=10"]}}
    content = {"suite": "tiny", "title": "Digits", "members": members}
    yaml_files.write(content, tmp_path / "suite.yaml")
    return tmp_path / "suite.yaml"


def test_a_plan_has_the_length_of_every_method(suite: Path, capsys) -> None:
    """1,000 rows at 0.3 in batches of 32: 300 are 10 steps, all are 32.

    RepDiv selects in 8 of 10 epochs: 8 * 300 + 2 * 1,000 = 4,400, in 8 * 10 + 2 * 32 = 144 steps.
    """
    assert main(["simulate", str(suite), "--rows", "1000", "--classes", "10"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("## digits: 1,000 training samples, equal_epochs\n\n### Keep 0.3\n\n")
    assert "| FullData | 3 | 10 | 10,000 | 1.00× | 320 |\n" in out
    assert "| RS2 | 3 | 10 | 3,000 | 3.33× | 100 |\n" in out
    assert "| RepDiv | 3 | 10 | 4,400 | 2.27× | 144 |\n" in out
    assert "| RS2+tail-0-2 | 3 | 10 | 4,400 | 2.27× | 144 |\n" in out
    assert "| InfoBatch | 3 | 10 | decided while training | decided while training | at most" in out


def test_without_rows_the_data_is_counted(suite: Path, capsys) -> None:
    assert main(["simulate", str(suite)]) == 0
    assert "## digits: 1,437 training samples" in capsys.readouterr().out


def test_more_classes_than_rows_are_refused(suite: Path, capsys) -> None:
    assert main(["simulate", str(suite), "--rows", "5", "--classes", "10"]) == 2
    assert "5 rows cannot be in 10 classes; give from 1 to 5" in capsys.readouterr().err
