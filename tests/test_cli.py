"""The command line, as a person types it."""

import json
import re
from pathlib import Path

import pytest

from hf_dynsel.cli import main

RECIPES = Path(__file__).parents[1] / "recipes"
QUICKSTART = str(RECIPES / "quickstart_digits.yaml")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_run_then_report(tmp_path, capsys):
    short = ["trainer.num_train_epochs=2", "sae.epochs=2"]
    assert main(["train", QUICKSTART, *short]) == 0
    folder = Path("outputs/quickstart_digits/seed-0")
    out = capsys.readouterr().out
    assert "test: loss" in out and "accuracy" in out
    assert (
        "trained on 1,868 of 2,874 samples (1.54 times fewer than all data for as many epochs)"
        in out
    )
    assert re.search(
        r"\nseconds: features [\d.]+, .*train [\d.]+.*\nAt this run's [\d.]+ s for 1,868", out
    )
    assert not (folder / "report.html").exists()
    assert main(["report", str(folder)]) == 0
    assert (folder / "report.html").exists()


def test_score_prints_where_the_scores_are(capsys):
    assert main(["score", QUICKSTART, "sae.epochs=2"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert {path.name for path in folder.iterdir()} == {
        "scores.parquet",
        "scores.json",
        "cost.json",
        "sae",
    }


def test_simulate_needs_no_data(capsys):
    """1,000 rows at 0.3 for 8 of 10 epochs: 8 * 300 + 2 * 1000 samples, in batches of 32."""
    assert (
        main(
            [
                "simulate",
                QUICKSTART,
                "--rows",
                "1000",
                "--classes",
                "10",
                "trainer.num_train_epochs=10",
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert "4,400 of 10,000, 2.27 times fewer" in out
    assert f"optimizer steps    {8 * 10 + 2 * 32}" in out
    for line in ("never used", "Gini", "overlap", "MiB of state"):
        assert line in out


@pytest.mark.slow
def test_simulate_at_the_size_of_imagenet_takes_seconds(capsys):
    """1,281,167 rows and 1,000 classes from score columns on disk, 90 epochs, no model, no data."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    rows = 1_281_167
    table = pa.table(
        {
            "index": np.arange(rows),
            "label": rng.integers(0, 1000, rows),
            "score_representativeness": rng.random(rows, np.float32),
            "score_diversity": rng.random(rows, np.float32),
        }
    )
    Path("scores").mkdir()
    pq.write_table(table, "scores/scores.parquet")
    entry = {"class": "Diversity", "label": "label"}
    notes = {"dataset_fingerprint": "0", "num_rows": rows, "labels": ["label"]}
    notes |= {"scores": dict.fromkeys(("representativeness", "diversity"), entry)}
    Path("scores/scores.json").write_text(json.dumps(notes))
    recipe = ["simulate", QUICKSTART, "scores={from: scores}", "features=null", "sae=null"]
    assert main([*recipe, "trainer.num_train_epochs=90"]) == 0
    out = capsys.readouterr().out
    assert "47,146,938 of 115,305,030, 2.45 times fewer" in out


def test_list_shows_everything_that_a_recipe_can_name(capsys):
    from hf_dynsel import data, features, scores, selectors

    assert main(["list", "--recipes", str(RECIPES)]) == 0
    out = capsys.readouterr().out
    listed = ["quickstart_digits.yaml", "paper_b/table1/cifar10_resnet18.yaml"]
    for name in [*selectors.__all__, *data.LOADERS, *listed, "paper_b/table1/suite.yaml"]:
        assert name in out
    for module in (features, scores):
        assert sum(name in out for name in module.__all__) >= 2


def test_env_is_json(capsys):
    assert main(["env"]) == 0
    assert "torch" in json.loads(capsys.readouterr().out)["packages"]


def test_bad_input_exits_with_2_and_no_traceback(capsys):
    assert main(["run", QUICKSTART, "selector.keep=2"]) == 2
    err = capsys.readouterr().err
    assert "selector: keep must be in (0, 1], got 2" in err
    assert "Traceback" not in err


def test_unknown_options_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["env", "what=this"])
    assert "unknown arguments: what=this" in capsys.readouterr().err


def test_interruption_says_how_to_go_on(monkeypatch, capsys):
    import hf_dynsel.run

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(hf_dynsel.run, "run", interrupt)
    assert main(["run", QUICKSTART]) == 130
    assert "--resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("overrides", "steps"),
    [
        (["trainer.dataloader_drop_last=true"], 8 * 9 + 2 * 31),
        (["trainer.num_train_epochs=9.5"], 8 * 10 + 32 + 16),
        (["trainer.max_steps=50"], 50),
        (["trainer.gradient_accumulation_steps=4"], 8 * 3 + 2 * 8),
    ],
)
def test_simulate_counts_steps_as_the_trainer_does(overrides, steps, capsys):
    """Eight epochs of 300 rows and two of 1,000, in batches of 32."""
    made_up = ["--rows", "1000", "--classes", "10", "trainer.num_train_epochs=10"]
    assert main(["simulate", QUICKSTART, *made_up, *overrides]) == 0
    assert f"optimizer steps    {steps}\n" in capsys.readouterr().out
