"""A real trainer pushes its model with a card that says what was selected, and nothing private."""

from pathlib import Path

import pytest
import torch
import yaml
from datasets import Dataset
from safetensors.torch import load
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    Trainer,
)

from card_kit import SOURCE, metadata
from conftest import Net, Sized
from hf_dynsel import DynamicSelectionTrainer, provenance
from hf_dynsel.selectors import DynamicRandom
from hf_dynsel.trainer import DynamicSelectionMixin
from run_kit import figures as figures
from run_kit import quick as quick
from trainer_kit import build

MODEL = {"README.md", "model.safetensors"}
PRIVATE = (
    "report.html",
    "figures/examples_diversity.png",
    "scores/scores.parquet",
    "selections.parquet",
    "log_history.json",
    "training_args.bin",
)


@pytest.fixture
def pushing(hub, monkeypatch):
    """The test Hub, with the client that transformers keeps pointed at it."""
    monkeypatch.setattr("transformers.utils.hub._hf_api", None)
    return hub


def files(hub, repo_id="alice/run"):
    return hub.repo(repo_id).at("main").files


def card_of(hub, repo_id="alice/run"):
    return files(hub, repo_id)["README.md"].data.decode()


def trainer_of(folder, cls=DynamicSelectionTrainer, **changes):
    selector = changes.pop("selector", None) or DynamicRandom(keep=0.5)
    return build(folder, selector, cls=cls, hub_model_id="alice/run", num_train_epochs=2, **changes)


def fill(folder):
    """Puts what a run leaves in its folder beside the model, with samples in it."""
    for name in PRIVATE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a sample")


def bert():
    config = BertConfig(
        vocab_size=50,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        num_labels=3,
    )
    torch.manual_seed(0)
    return BertForSequenceClassification(config)


def texts():
    rows = {"input_ids": [[i % 50, 1, 2] for i in range(24)], "labels": [i % 3 for i in range(24)]}
    noted = provenance.record(Dataset.from_dict(rows), "source", {**SOURCE, "name": "Short texts"})
    return noted.with_format("torch")


def test_the_end_of_training_pushes_the_model_and_its_card_alone(pushing, tmp_path, figures):
    trainer = trainer_of(tmp_path)
    trainer.train()
    fill(tmp_path)
    trainer.push_to_hub()
    assert files(pushing).keys() == {".gitattributes", *MODEL, *figures}
    assert trainer.args.output_dir == str(tmp_path)
    assert (tmp_path / "README.md").read_text() == card_of(pushing)


def test_the_card_says_what_was_selected(pushing, tmp_path, figures):
    """Half of 24 samples in each of 2 epochs: 24 of 48, in batches of 4: 6 steps."""
    trainer = trainer_of(tmp_path)
    trainer.train()
    trainer.push_to_hub()
    card = card_of(pushing)
    for fact in (
        "`DynamicRandom` chose the samples",
        "| samples trained | 24 |",
        "| all data, for as many epochs | 48 |",
        "| optimizer steps | 6 |",
        "  keep: 0.5\n",
        "okanovic2024repeated",
        "](figures/usage.png)",
    ):
        assert fact in card
    assert {"hf-dynsel", "data-selection", "generated_from_trainer"} <= set(metadata(card)["tags"])


def test_a_model_without_a_config_gets_a_card_that_names_no_base(pushing, tmp_path):
    trainer = trainer_of(tmp_path, model=Net())
    trainer.create_model_card()
    card = (tmp_path / "README.md").read_text()
    assert "This model was trained on an unknown dataset." in card
    assert "None" not in card
    assert "fine-tuned version" not in card


def test_a_model_made_from_a_config_is_no_fine_tuned_version_of_nothing(tmp_path):
    trainer = trainer_of(tmp_path, model=bert(), train_dataset=texts())
    trainer.create_model_card()
    card = (tmp_path / "README.md").read_text()
    assert "This model was trained on the Short texts dataset." in card
    assert "](https://huggingface.co/)" not in card
    assert metadata(card)["datasets"] == ["zalandoresearch/fashion_mnist"]


@pytest.mark.parametrize(
    ("name", "base"), [("user/bert", "user/bert"), ("/home/someone/bert", None), ("here", None)]
)
def test_only_a_repository_is_a_base_model(tmp_path, name, base):
    model = bert()
    model.config._name_or_path = name
    trainer = trainer_of(tmp_path, model=model, train_dataset=texts())
    trainer.create_model_card()
    card = (tmp_path / "README.md").read_text()
    assert metadata(card).get("base_model") == base
    assert "someone" not in card


def test_what_the_caller_says_of_the_card_counts(tmp_path):
    trainer = trainer_of(tmp_path)
    trainer.create_model_card(
        model_name="mine", finetuned_from="user/base", license="mit", tags="own", dataset="Mine"
    )
    data = metadata(card := (tmp_path / "README.md").read_text())
    assert (data["base_model"], data["license"]) == ("user/base", "mit")
    assert "own" in data["tags"]
    assert "the Mine dataset" in card
    assert "# mine\n" in card


def test_tags_of_an_earlier_card_and_of_the_hub_are_kept(pushing, tmp_path):
    pushing.add("alice/run", {"README.md": b"---\ntags:\n- from-the-hub\n---\n# Old\n"})
    (tmp_path / "README.md").write_text("---\ntags:\n- mine\n---\n# Mine\n")
    trainer = trainer_of(tmp_path)
    trainer.push_to_hub()
    tags = metadata(card_of(pushing))["tags"]
    assert {"mine", "from-the-hub", "generated_from_trainer", "hf-dynsel"} <= set(tags)
    trainer.push_to_hub()
    assert metadata(card_of(pushing))["tags"] == tags


def test_a_second_card_replaces_the_selection_of_the_first(tmp_path):
    trainer = trainer_of(tmp_path)
    trainer.create_model_card()
    assert "epochs counted | 0 of 2" in (tmp_path / "README.md").read_text()
    trainer.train()
    trainer.create_model_card()
    card = (tmp_path / "README.md").read_text()
    assert card.count("## Data selection") == 1
    assert "epochs counted | 2 of 2" in card


def test_the_pulled_model_predicts_to_the_bit_as_the_pushed_one(pushing, tmp_path):
    trainer = trainer_of(tmp_path, model=bert(), train_dataset=texts())
    trainer.train()
    trainer.push_to_hub()
    pulled = AutoModelForSequenceClassification.from_pretrained("alice/run").eval()
    batch = texts()[:8]["input_ids"]
    with torch.no_grad():
        assert torch.equal(pulled(batch).logits, trainer.model.eval()(batch).logits)


def test_every_save_pushes_the_model_so_far_and_no_pickle(pushing, tmp_path):
    trainer = trainer_of(
        tmp_path,
        push_to_hub=True,
        hub_strategy="every_save",
        hub_always_push=True,
        save_strategy="epoch",
    )
    fill(tmp_path)
    trainer.train()
    trainer._finish_current_push()
    commits = pushing.repo("alice/run").commits.values()
    pushed = [commit.files for commit in commits if "model.safetensors" in commit.files]
    assert len(pushed) == 2
    for epoch, state in enumerate(pushed, start=1):
        assert state.keys() <= {".gitattributes", "config.json", *MODEL}
        assert f"| epochs counted | {epoch - 1} of 2 |" in state["README.md"].data.decode()
    assert load(pushed[0]["model.safetensors"].data)["linear.weight"].shape == (3, 4)


def test_a_push_in_the_background_sends_the_same(pushing, tmp_path):
    trainer = trainer_of(tmp_path)
    trainer.train()
    fill(tmp_path)
    trainer.push_to_hub(blocking=False).result()
    assert files(pushing).keys() == {".gitattributes", *MODEL}
    trainer.push_to_hub(blocking=False)
    trainer.push_to_hub(blocking=False).result()  # the first has read the folder by then
    assert files(pushing).keys() == {".gitattributes", *MODEL}


def test_a_push_that_fails_leaves_the_output_folder_as_it_was(pushing, tmp_path):
    trainer = trainer_of(tmp_path)
    trainer.hub_model_id = "bob/run"
    with pytest.raises(OSError):
        trainer.push_to_hub()
    assert trainer.args.output_dir == str(tmp_path)


def test_the_repository_is_called_after_the_output_folder(pushing, tmp_path):
    folder = tmp_path / "my-run"
    trainer = trainer_of(folder)
    trainer.args.hub_model_id = None
    trainer.push_to_hub()
    assert "# my-run\n" in card_of(pushing, "alice/my-run")


def test_a_trainer_with_a_card_of_its_own_keeps_it(tmp_path):
    class Own(Trainer):
        def create_model_card(self, model_name=None, tags=None):
            Path(self.args.output_dir, "README.md").write_text("---\ntags: [own]\n---\n# Own\n")

    class Both(DynamicSelectionMixin, Own):
        pass

    trainer_of(tmp_path, cls=Both).create_model_card(model_name="a")
    card = (tmp_path / "README.md").read_text()
    assert "# Own\n" in card
    assert metadata(card)["tags"] == ["own", "hf-dynsel", "data-selection"]


def test_a_trainer_that_writes_no_card_gets_one(tmp_path):
    class Silent(Trainer):
        def create_model_card(self, *args, **kwargs):
            pass

    class Both(DynamicSelectionMixin, Silent):
        pass

    trainer_of(tmp_path / "name", cls=Both).create_model_card()
    assert "# name\n" in (tmp_path / "name" / "README.md").read_text()


def test_settings_of_any_selector_can_be_told(tmp_path):
    trainer = trainer_of(tmp_path, selector=Sized(sizes=(8, 16)))
    trainer.create_model_card()
    card = (tmp_path / "README.md").read_text()
    settings = yaml.safe_load(card.split("```yaml\n")[1].split("```")[0])["selector"]
    assert settings["sizes"] == [8, 16]


def test_without_matplotlib_the_card_has_no_figures(tmp_path):
    trainer = trainer_of(tmp_path)
    trainer.train()
    trainer.create_model_card()
    assert "](figures/" not in (tmp_path / "README.md").read_text()
    assert not (tmp_path / "figures").exists()


def test_a_strategy_that_shares_checkpoints_shares_those_and_no_pickle_beside(pushing, tmp_path):
    trainer = trainer_of(
        tmp_path,
        push_to_hub=True,
        hub_strategy="checkpoint",
        hub_always_push=True,
        save_strategy="epoch",
    )
    trainer.train()
    trainer._finish_current_push()
    names = files(pushing).keys()
    assert "last-checkpoint/selection.safetensors" in names
    assert {name for name in names if "/" not in name} == {".gitattributes", *MODEL}
