"""A run goes to the Hub as its model and its selection log, and comes back to the bit."""

import json

import pytest
import torch
from huggingface_hub import DatasetCard, ModelCard
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from card_kit import metadata
from hf_dynsel import yaml_files
from hf_dynsel.hub import HubError
from hf_dynsel.sharing import load_selections, pull_run, push_run
from hub_kit import go_offline, log_in
from run_kit import PRIVATE, write_run
from run_kit import figures as figures
from run_kit import quick as quick

SHARED = {
    "README.md",
    "config.json",
    "model.safetensors",
    "recipe.yaml",
    "summary.json",
    "tokenizer.json",
    "tokenizer_config.json",
}


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def contents(hub, repo_id="alice/run", kind="model", revision="main"):
    files = hub.repo(repo_id, kind).at(revision).files
    return {name: blob.data for name, blob in files.items() if name != ".gitattributes"}


def read(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_model_the_card_and_the_records_go_up_and_nothing_else(hub, run, figures):
    pushed, log = push_run(run, "alice/run")
    there = contents(hub)
    assert there.keys() == pushed.files.keys() == SHARED | {*figures}
    assert contents(hub, "alice/run-selections", "dataset").keys() == {
        "README.md",
        "selections.parquet",
    }
    assert log.repo_type == "dataset"
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        assert there[name] == (run / "model" / name).read_bytes()
    assert there["summary.json"] == (run / "summary.json").read_bytes()
    assert not any(data == b"a sample" for data in there.values())


def test_the_folder_is_left_as_it_is(hub, run):
    before = read(run)
    push_run(run, "alice/run")
    assert read(run) == before
    assert set(PRIVATE) <= before.keys()


def test_the_pulled_folder_loads_and_predicts_to_the_bit(hub, run, tmp_path):
    push_run(run, "alice/run")
    source = pull_run("alice/run", tmp_path / "pulled")
    assert source == f"alice/run@{hub.repo('alice/run').branches['main']}"
    models = [
        AutoModelForSequenceClassification.from_pretrained(folder).eval()
        for folder in (run / "model", tmp_path / "pulled")
    ]
    batch = AutoTokenizer.from_pretrained(tmp_path / "pulled")(["a b c", "c"], padding=True)
    inputs = {name: torch.tensor(values) for name, values in batch.items()}
    with torch.no_grad():
        first, second = (model(**inputs).logits for model in models)
    assert torch.equal(first, second)
    assert read(tmp_path / "pulled").keys() == SHARED


def test_weights_in_parts_come_back_in_parts(hub, tmp_path):
    run = write_run(tmp_path / "run", max_shard_size="1KB")
    push_run(run, "alice/run")
    parts = {name for name in contents(hub) if name.endswith(".safetensors")}
    assert len(parts) > 1
    pull_run("alice/run", tmp_path / "pulled")
    for name in parts | {"model.safetensors.index.json"}:
        assert (tmp_path / "pulled" / name).read_bytes() == (run / "model" / name).read_bytes()
    AutoModelForSequenceClassification.from_pretrained(tmp_path / "pulled")


def test_the_card_tells_the_selection_and_links_the_log(hub, run, tmp_path):
    push_run(run, "alice/run", license="mit")
    card = contents(hub)["README.md"].decode()
    for fact in (
        "| samples trained | 28 |",
        "| all data, for as many epochs | 48 |",
        "| test accuracy | 0.625 |",
        "https://huggingface.co/datasets/alice/run-selections",
        "| select | 0.2 | yes |",
        "measured once on 2 x Xeon, torch 2.15.0.",
        "| seed | 0 |",
        "```yaml\nname: short_texts\n",
    ):
        assert fact in card
    data = metadata(card)
    assert (data["license"], data["pipeline_tag"]) == ("mit", "text-classification")
    for kind, name, found in (
        (ModelCard, "run", "model"),
        (DatasetCard, "run-selections", "dataset"),
    ):
        path = tmp_path / f"{name}.md"
        path.write_bytes(contents(hub, f"alice/{name}", found)["README.md"])
        kind.load(path).validate()


def test_what_the_trainer_wrote_is_kept(hub, run):
    (run / "README.md").write_text("---\ntags: [own]\n---\n# Title\n\nMine.\n")
    push_run(run, "alice/run")
    card = contents(hub)["README.md"].decode()
    assert metadata(card)["tags"] == ["own", "hf-dynsel", "data-selection"]
    assert "# Title\n\nMine.\n" in card


def test_the_recipe_goes_without_the_folders_of_this_machine(hub, run):
    push_run(run, "alice/run")
    recipe = contents(hub)["recipe.yaml"].decode()
    assert "someone" not in recipe + contents(hub)["README.md"].decode()
    given = yaml_files.read(run / "recipe.yaml")
    del given["output_dir"]
    given["model"] = {"text_encoder": "all-MiniLM-L6-v2"}
    assert yaml_files.parse(recipe, "") == given


def test_a_run_on_data_that_may_not_be_passed_on_says_so(hub, tmp_path):
    source = {"name": "RSD_15K", "redistribution": False, "task": "text-classification"}
    push_run(write_run(tmp_path / "run", source=source), "alice/run")
    assert "no sample of it is in this\nrepository" in contents(hub)["README.md"].decode()


def test_a_dry_run_lists_the_files_and_sends_nothing(hub, run, monkeypatch):
    log_in(monkeypatch, None)
    go_offline(monkeypatch)
    model, log = push_run(run, "alice/run", dry_run=True)
    assert model.files.keys() == SHARED
    assert log.files.keys() == {"README.md", "selections.parquet"}
    assert (model.commit, log.commit) == (None, None)
    assert model.files["model.safetensors"] == (run / "model/model.safetensors").stat().st_size


def test_the_same_run_makes_no_second_commit(hub, run):
    first, second = push_run(run, "alice/run"), push_run(run, "alice/run")
    assert [pushed.commit for pushed in first] == [pushed.commit for pushed in second]


def test_a_branch_and_privacy_are_for_both_repositories(hub, run):
    push_run(run, "alice/run", private=True, revision="trial")
    for name, kind in (("alice/run", "model"), ("alice/run-selections", "dataset")):
        assert hub.repo(name, kind).private
        assert "README.md" in contents(hub, name, kind, "trial")
        assert "README.md" not in contents(hub, name, kind)


def test_a_run_that_is_not_finished_is_not_pushed(hub, run):
    (run / "summary.json").unlink()
    with pytest.raises(ValueError, match=r"there is no .*summary.json; a finished run"):
        push_run(run, "alice/run")


def test_a_run_without_a_model_is_not_pushed(hub, run):
    (run / "model/config.json").unlink()
    with pytest.raises(ValueError, match=r"model' has no config.json"):
        push_run(run, "alice/run")


def test_a_model_with_code_is_not_pushed(hub, run):
    path = run / "model/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"auto_map": {"AutoModel": "a.B"}}))
    with pytest.raises(ValueError, match="'auto_map', which names code to run"):
        push_run(run, "alice/run")


def test_a_folder_with_files_is_not_overwritten(hub, run, tmp_path):
    push_run(run, "alice/run")
    with pytest.raises(ValueError, match="is not an empty folder"):
        pull_run("alice/run", run)


def test_a_score_dataset_is_no_run(hub, tmp_path):
    hub.add("alice/scores", {"scores.json": b"{}"}, kind="dataset")
    with pytest.raises(HubError, match="is a dataset on the Hub, not a model"):
        pull_run("alice/scores", tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


def test_the_log_of_a_pushed_run_is_read_by_its_id(hub, run):
    push_run(run, "alice/run")
    assert load_selections("alice/run-selections").equals(load_selections(run))
