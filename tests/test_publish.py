"""What one process pushes, another one with an empty cache trains on, and selects the same."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hf_dynsel.cli import main
from hf_dynsel.features import Adapters
from hf_dynsel.hub import HubError
from hf_dynsel.publish import publish
from hf_dynsel.recipe import RecipeError, load
from hf_dynsel.run import run
from hf_dynsel.sae import SparseAutoencoder
from hf_dynsel.scores import load_scores
from hub_kit import child_environment, log_in

RECIPES = Path(__file__).parents[1] / "recipes"
QUICKSTART = str(RECIPES / "quickstart_digits.yaml")
SHORT = ["trainer.num_train_epochs=2", "sae.epochs=2", "seed=3"]
MINILM = "adapters={texts: TransformersText, model: %s, max_length: 32, epochs: 2}"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DYNSEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """A run folder of the quickstart."""
    place = tmp_path_factory.mktemp("quickstart")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DYNSEL_CACHE", str(place / "cache"))
        return run(load(QUICKSTART, [*SHORT, f"output_dir={place / 'run'}"]), report=False)


@pytest.fixture
def finished(quickstart, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(quickstart, tmp_path / "run"))


def selections(folder):
    return pq.read_table(folder / "selections.parquet")


def elsewhere(hub, home, *words):
    """Runs the command in another process, on another machine as far as it can tell."""
    home.mkdir()
    environment = child_environment(hub, home) | {
        "HF_DYNSEL_CACHE": str(home / "cache"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", ""),
    }
    command = [sys.executable, "-c", "from hf_dynsel.cli import main; exit(main())", *words]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("part", ["scores", "sae"])
def test_another_process_pulls_by_id_and_selects_the_same(hub, finished, tmp_path, part):
    (pushed,) = publish(part, finished, "alice/digits")
    given = f"{part}={{from: alice/digits, revision: {pushed.commit}}}"
    alone = ["features=null", "sae=null"] if part == "scores" else []
    home = tmp_path / "elsewhere"
    elsewhere(hub, home, "train", QUICKSTART, *SHORT[:1], "seed=3", *alone, given)
    there = home / "outputs/quickstart_digits/seed-3"
    assert selections(there).equals(selections(finished))
    scores = [load_scores(folder / "scores").rows for folder in (there, finished)]
    assert scores[0].equals(scores[1])
    notes = json.loads((there / "scores" / "scores.json").read_text())["scores"]["diversity"]
    noted = notes["attached"]["from"] if part == "scores" else notes["sae"]["source"]
    assert noted == f"alice/digits@{pushed.commit}"


@pytest.mark.slow
def test_the_command_line_pushes_and_pulls_every_part(hub, finished, tmp_path, capsys):
    for part in ("scores", "sae", "run"):
        assert main(["push", part, str(finished), f"alice/{part}"]) == 0
        assert f"alice/{part}" in capsys.readouterr().out
        assert main(["pull", part, f"alice/{part}", str(tmp_path / "pulled" / part)]) == 0
        assert f"alice/{part}@" in capsys.readouterr().out
    ours = SparseAutoencoder.from_pretrained(finished / "sae").fingerprint()
    assert SparseAutoencoder.from_pretrained(tmp_path / "pulled/sae").fingerprint() == ours
    pulled = load_scores(tmp_path / "pulled/scores")
    for name in pulled.columns:
        saved = load_scores(finished / "scores").rows[name]
        np.testing.assert_array_equal(pulled.rows[name].to_numpy(), saved.to_numpy())


@pytest.mark.slow
def test_adapters_are_pushed_and_pulled(hub, tmp_path, capsys):
    from test_run import MINILM as folder

    recipe = load(
        QUICKSTART,
        [
            "sae=null",
            MINILM % folder,
            "scores={Consistency: {}}",
            "selector={name: TopScore, score: consistency}",
            "trainer.num_train_epochs=1",
            f"output_dir={tmp_path / 'run'}",
        ],
    )
    finished = run(recipe, report=False)
    assert main(["push", "adapters", str(finished), "alice/adapters", "--license", "mit"]) == 0
    assert main(["pull", "adapters", "alice/adapters", str(tmp_path / "own")]) == 0
    ours = Adapters.from_pretrained(finished / "adapters").fingerprint()
    assert Adapters.from_pretrained(tmp_path / "own").fingerprint() == ours
    card = hub.repo("alice/adapters").at("main").files["README.md"].data.decode()
    assert "license: mit" in card


def test_a_dry_run_lists_files_and_sizes(hub, finished, capsys):
    assert main(["push", "sae", str(finished), "alice/sae", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "model.safetensors" in out and "would" in out
    with pytest.raises(HubError, match="there is no model 'alice/sae'"):
        SparseAutoencoder.from_pretrained("alice/sae")


def test_a_push_without_a_token_says_what_to_do(hub, finished, capsys, monkeypatch):
    log_in(monkeypatch, None)
    assert main(["push", "sae", str(finished), "alice/sae"]) == 2
    assert "hf auth login" in capsys.readouterr().err


def test_a_private_repository_is_private(hub, finished):
    publish("sae", finished, "alice/sae", private=True)
    assert hub.repo("alice/sae").private


@pytest.mark.slow
def test_a_recipe_pushes_what_its_hub_section_names(hub, tmp_path, caplog):
    given = "hub={run: alice/own, scores: alice/own-scores, sae: alice/own-sae, also: [codes]}"
    run(load(QUICKSTART, [*SHORT, given, f"output_dir={tmp_path / 'run'}"]), report=False)
    for kind, name in (("model", "own"), ("dataset", "own-selections"),
                       ("dataset", "own-scores"), ("model", "own-sae")):  # fmt: skip
        assert hub.repo(f"alice/{name}", kind).at("main").files
    assert load_scores("alice/own-scores", also=["codes"]).columns[-1] == "sae_values"


def test_a_recipe_that_pushes_is_refused_without_a_token_before_any_work(
    hub, tmp_path, monkeypatch
):
    log_in(monkeypatch, None)
    recipe = load(QUICKSTART, [*SHORT, "hub={run: alice/own}", f"output_dir={tmp_path / 'run'}"])
    with pytest.raises(HubError, match="hf auth login"):
        run(recipe)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("hub={run: a/b/c}", "hub.run: 'a/b/c' cannot be the id of a repository"),
        ("hub={adapters: a/b}", "hub.adapters: the recipe makes no adapters"),
        ("hub={runs: a/b}", "did you mean 'run'"),
        ("hub={also: [images]}", "hub.also"),
        ("hub={also: [codes]}", "hub.also: goes with scores"),
        ("hub={sae: alone}", "hub.sae: 'alone' must be user/name"),
        (f"hub={{run: alice/{'r' * 90}}}", "hub.run: "),
        ("hub={run: alice/same, sae: alice/same}", "hub: two models cannot be in one"),
        ("hub={run: alice/own, scores: alice/own-selections}", "where the run's selections go"),
        ("trainer.hub_token=hf_secret", "trainer.hub_token: a token does not belong in a file"),
        ("scores={from: a/b, revison: x}", "scores.revison"),
    ],
)
def test_faults_of_a_recipe_are_found_before_anything_is_asked_of_the_hub(given, fault):
    with pytest.raises(RecipeError, match="fault") as refused:
        load(QUICKSTART, [given])
    assert any(fault in one for one in refused.value.faults), refused.value.faults


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (["hub={sae: a/b}", "scores={from: c/d}"], "hub.sae: none is made where the scores"),
        (["hub={run: a/b}", "trainer.log_selections=false"], "hub.run: is pushed with its sel"),
    ],
)
def test_what_a_recipe_will_not_have_to_push_is_found_before_it_runs(given, fault):
    with pytest.raises(RecipeError) as refused:
        load(QUICKSTART, given)
    assert any(fault in one for one in refused.value.faults), refused.value.faults


def test_a_run_in_an_old_folder_keeps_nothing_of_the_old_run(finished):
    place = [f"output_dir={finished}", "trainer.log_selections=false", "trainer.num_train_epochs=1"]
    bare = ["features=null", "sae=null", "scores=null", "selector={name: FullData}"]
    run(load(QUICKSTART, [*place, *bare]), report=False)
    assert not {"sae", "scores", "selections.parquet"} & {p.name for p in finished.iterdir()}


def test_options_of_scores_are_refused_for_other_parts(finished):
    with pytest.raises(ValueError, match="go with scores; leave them out for 'sae'"):
        publish("sae", finished, "alice/sae", also=["codes"], dry_run=True)


def test_what_a_folder_lacks_is_named(finished, tmp_path):
    with pytest.raises(ValueError, match="has no recipe.yaml"):
        publish("scores", tmp_path, "alice/scores", dry_run=True)
    with pytest.raises(ValueError, match="config.json"):
        publish("adapters", finished, "alice/adapters", dry_run=True)


def test_a_folder_with_files_is_not_pulled_into(hub, finished, tmp_path, capsys):
    publish("sae", finished, "alice/sae")
    assert main(["pull", "sae", "alice/sae", str(finished)]) == 2
    assert "holds some already" in capsys.readouterr().err
