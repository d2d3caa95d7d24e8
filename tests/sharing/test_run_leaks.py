"""A trainer pushes no pickled arguments, and ends well whatever card is on the Hub."""

from inspect import signature
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download
from transformers import Trainer

from card_kit import metadata
from hf_dynsel import DynamicSelectionTrainer
from hf_dynsel.selectors import DynamicRandom
from trainer_kit import build

PICKLE = "training_args.bin"


@pytest.fixture(autouse=True)
def pushing(hub, monkeypatch):
    """The test Hub, with the client that transformers keeps pointed at it; draws no figures."""
    monkeypatch.setattr("hf_dynsel.sharing.run_card.find_spec", lambda name: None)
    monkeypatch.setattr("transformers.utils.hub._hf_api", None)
    return hub


def trainer_of(folder, cls=DynamicSelectionTrainer, hub_model_id="alice/run", **changes):
    changes = {"num_train_epochs": 2, "hub_model_id": hub_model_id, **changes}
    return build(folder, DynamicRandom(keep=0.5), cls=cls, **changes)


def names(hub, repo_id="alice/run"):
    commits = hub.repo(repo_id).commits.values()
    return {Path(name).name for commit in commits for name in commit.files}


def tags(hub, repo_id="alice/run"):
    return metadata(hub.repo(repo_id).at("main").files["README.md"].data.decode())["tags"]


@pytest.mark.parametrize(
    ("strategy", "folder"), [("checkpoint", "last-checkpoint"), ("all_checkpoints", "checkpoint-3")]
)
def test_a_pushed_checkpoint_resumes_and_has_no_pickled_arguments(hub, tmp_path, strategy, folder):
    sharing = {"hub_strategy": strategy, "hub_always_push": True, "hub_token": "hf_alice"}
    trainer = trainer_of(tmp_path / "a", push_to_hub=True, save_strategy="epoch", **sharing)
    trainer.train()
    trainer._finish_current_push()
    assert PICKLE not in names(hub)
    pulled = Path(snapshot_download("alice/run", local_dir=tmp_path / "pulled"), folder)
    again = trainer_of(tmp_path / "b")
    again.train(resume_from_checkpoint=str(pulled))
    assert again.state.global_step == 6


def test_a_checkpoint_that_is_not_pushed_keeps_its_arguments(hub, tmp_path):
    sharing = {"push_to_hub": True, "hub_strategy": "end"}
    trainer_of(tmp_path, save_strategy="epoch", **sharing).train()
    assert (tmp_path / "checkpoint-3" / PICKLE).is_file()


def test_a_class_with_a_card_of_its_own_pushes_no_pickle(hub, tmp_path):
    class Own(DynamicSelectionTrainer):
        def create_model_card(self, *args, **kwargs):
            Path(self.args.output_dir, "README.md").write_text("---\ntags: [x]\n---\n")

    trainer_of(tmp_path, cls=Own).push_to_hub()
    assert names(hub) == {".gitattributes", "README.md", "model.safetensors"}


def test_what_a_class_pickles_when_it_saves_is_not_pushed(hub, tmp_path):
    class Late(DynamicSelectionTrainer):
        def save_model(self, output_dir=None, _internal_call=False):
            super().save_model(output_dir, _internal_call)
            Path(output_dir or self.args.output_dir, PICKLE).write_bytes(b"a token")

    trainer_of(tmp_path, cls=Late).push_to_hub()
    assert PICKLE not in names(hub)


@pytest.mark.parametrize("name", ["run", None])
def test_tags_on_the_hub_are_kept_whatever_names_the_repository(hub, tmp_path, name):
    hub.add("alice/run", {"README.md": b"---\ntags:\n- keep\n---\n"})
    trainer_of(tmp_path / "run", hub_model_id=name).push_to_hub()
    assert {"keep", "hf-dynsel"} <= set(tags(hub))


def test_a_repository_that_is_made_by_the_push_is_private_if_asked(hub, tmp_path):
    """By the argument of the run, or of the push where this version of `Trainer` has one."""
    if "private" in signature(Trainer.push_to_hub).parameters:
        trainer_of(tmp_path / "a").push_to_hub(private=True)
        assert hub.repo("alice/run").private
    trainer_of(tmp_path / "b", hub_model_id="alice/b", hub_private_repo=True).push_to_hub()
    assert hub.repo("alice/b").private


def test_tags_are_those_of_the_branch_that_is_pushed_to(hub, tmp_path):
    hub.add("alice/run", {"README.md": b"---\ntags:\n- keep\n---\n"})
    hub.repo("alice/run").branches["trial"] = hub.repo("alice/run").branches["main"]
    hub.add("alice/run", {"README.md": b"---\ntags:\n- other\n---\n"})
    trainer_of(tmp_path).push_to_hub(revision="trial")
    card = hub.repo("alice/run").at("trial").files["README.md"].data.decode()
    assert "keep" in metadata(card)["tags"]
    assert "other" not in metadata(card)["tags"]


@pytest.mark.parametrize(
    "published", ["---\ntags:\n- é\n---\n".encode("latin-1"), b"---\n: [\n---\n", b"\xff\xfe"]
)
def test_a_card_on_the_hub_that_cannot_be_read_is_replaced(hub, tmp_path, published):
    hub.add("alice/run", {"README.md": published})
    trainer_of(tmp_path).push_to_hub()
    assert "hf-dynsel" in tags(hub)


def test_a_card_in_the_folder_that_is_not_utf_8_is_replaced(hub, tmp_path):
    (tmp_path / "README.md").write_bytes("---\ntags: [a]\n---\né\n".encode("latin-1"))
    trainer_of(tmp_path).push_to_hub()
    assert {"a", "hf-dynsel"} <= set(tags(hub))
