"""A push makes one commit, of the folder's files and nothing else."""

import pytest

from hf_dynsel.hub import HubError, push
from hub_kit import log_in, write

CARD = b"---\ntags:\n- hf-dynsel\nlicense: mit\n---\n# Mine\n"
FILES = {"README.md": CARD, "config.json": b"{}", "model.safetensors": b"w" * 2000}


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "up", FILES)


def send(folder, **options):
    given = {"repo_type": "model", "message": "Add the model", "owned": (), **options}
    return push(folder, "alice/r", **given)


def titles(hub, kind="model"):
    return [commit.title for commit in hub.repo("alice/r", kind).commits.values()]


def content(hub, branch="main"):
    files = hub.repo("alice/r").at(branch).files
    return {name: blob.data for name, blob in files.items() if name != ".gitattributes"}


def test_a_push_makes_the_repository_and_one_commit(hub, folder):
    pushed = send(folder)
    assert titles(hub) == ["initial commit", "Add the model"]
    assert content(hub) == FILES
    assert pushed.commit == hub.repo("alice/r").branches["main"]
    assert pushed.url == f"{hub.endpoint}/alice/r"
    assert pushed.files == {name: len(data) for name, data in FILES.items()}


def test_a_name_alone_is_of_the_user_of_the_token(hub, folder):
    pushed = push(folder, "scores", repo_type="dataset", message="m", owned=())
    assert pushed.repo_id == "alice/scores"
    assert pushed.url == f"{hub.endpoint}/datasets/alice/scores"


def test_the_same_folder_again_makes_no_commit_and_returns_the_one_there(hub, folder):
    assert send(folder).commit == send(folder).commit
    assert titles(hub) == ["initial commit", "Add the model"]


def test_only_what_differs_is_sent(hub, folder):
    send(folder)
    hub.requests.clear()
    (folder / "config.json").write_bytes(b"[]")
    send(folder)
    assert content(hub) == {**FILES, "config.json": b"[]"}
    assert not [line for line in hub.requests if line.startswith("PUT")]


def test_a_changed_file_of_the_same_size_is_sent(hub, folder):
    send(folder)
    (folder / "model.safetensors").write_bytes(b"v" * 2000)
    send(folder)
    assert content(hub)["model.safetensors"] == b"v" * 2000


def test_owned_files_that_the_folder_lacks_are_deleted_in_the_same_commit(hub, folder):
    hub.add("alice/r", {"old.png": b"1", "notes.txt": b"kept"})
    send(folder, owned=("old.png", "never.png", "config.json"))
    assert content(hub) == {**FILES, "notes.txt": b"kept"}
    assert titles(hub) == ["initial commit", "added", "Add the model"]


def test_a_branch_is_made_and_main_stays(hub, folder):
    hub.add("alice/r", {"a": b"1"})
    send(folder, revision="v2")
    assert content(hub) == {"a": b"1"}
    assert content(hub, "v2") == {"a": b"1", **FILES}


def test_a_tag_is_no_branch(hub, folder):
    hub.add("alice/r", {"a": b"1"})
    hub.repo("alice/r").tags["v1"] = hub.repo("alice/r").branches["main"]
    with pytest.raises(HubError, match="'v1' is a tag of the model 'alice/r'"):
        send(folder, revision="v1")


def test_a_commit_is_no_branch(hub, folder):
    with pytest.raises(ValueError, match="is a commit; a push needs the name of a branch"):
        send(folder, revision="0" * 40)
    assert not hub.requests


def test_a_new_repository_is_private_if_asked(hub, folder):
    send(folder, private=True)
    assert hub.repo("alice/r").private


def test_a_public_repository_gets_nothing_that_should_be_private(hub, folder):
    hub.add("alice/r", {"a": b"1"})
    with pytest.raises(HubError, match="is public, and private was asked for: nothing was sent"):
        send(folder, private=True)
    assert content(hub) == {"a": b"1"}
    assert not [line for line in hub.requests if line.startswith("PUT")]


def test_tags_given_on_the_hub_are_kept_behind_those_of_the_card(hub, folder):
    hub.add("alice/r", {"README.md": b"---\ntags:\n- best\n- hf-dynsel\n---\nOld\n"})
    send(folder)
    card = b"---\ntags:\n- hf-dynsel\n- best\nlicense: mit\n---\n# Mine\n"
    assert content(hub)["README.md"] == card
    before = send(folder).commit
    assert send(folder).commit == before
    assert (folder / "README.md").read_bytes() == CARD


@pytest.mark.parametrize("published", [b"No front matter", b"---\n: [\n---\n", b"\xff\xfe", b""])
def test_a_card_on_the_hub_without_readable_tags_is_replaced(hub, folder, published):
    hub.add("alice/r", {"README.md": published})
    send(folder)
    assert content(hub)["README.md"] == CARD


def test_a_dry_run_asks_nothing_of_the_hub_and_needs_no_token(hub, folder, monkeypatch):
    log_in(monkeypatch, None)
    pushed = send(folder, dry_run=True, private=True, revision="v2")
    assert pushed.commit is None
    assert pushed.files == {"README.md": 46, "config.json": 2, "model.safetensors": 2000}
    assert hub.requests == []


def test_a_card_that_the_hub_refuses_stops_before_anything_is_uploaded(hub, folder):
    (folder / "README.md").write_bytes(b"---\nlicense: my-own\n---\n")
    with pytest.raises(HubError, match="refuses the card of the model 'alice/r'.*license"):
        send(folder)
    assert not [line for line in hub.requests if "preupload" in line or "PUT" in line]
