"""The log of a private model is private, and a push that cannot be whole sends nothing."""

import pytest

from hf_dynsel.hub import HubError
from hf_dynsel.sharing import pull_run, push_run
from run_kit import write_run

LOG = "alice/run-selections"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Draws no figures."""
    monkeypatch.setattr("hf_dynsel.sharing.run_card.find_spec", lambda name: None)


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def nothing_sent(hub):
    return not [line for line in hub.requests if not line.startswith(("GET", "HEAD"))]


@pytest.mark.parametrize("name", ["alice/run", "run"])
def test_the_log_of_a_private_model_is_private(hub, run, name):
    hub.add("alice/run", {"a": b"1"}, private=True)
    push_run(run, name)
    assert hub.repo(LOG, "dataset").private


def test_the_log_of_a_public_model_is_public(hub, run):
    hub.add("alice/run", {"a": b"1"})
    push_run(run, "alice/run")
    assert not hub.repo(LOG, "dataset").private


def test_a_public_log_beside_a_private_model_stops_both(hub, run):
    hub.add("alice/run", {"a": b"1"}, private=True)
    hub.add(LOG, {"a": b"1"}, kind="dataset")
    with pytest.raises(HubError, match=rf"'{LOG}' is public, and the model .* is private: nothing"):
        push_run(run, "alice/run")
    assert nothing_sent(hub)


@pytest.mark.parametrize(("name", "kind"), [("alice/run", "model"), (LOG, "dataset")])
def test_a_public_repository_stops_a_private_push_of_both(hub, run, name, kind):
    hub.add(name, {"a": b"1"}, kind=kind)
    with pytest.raises(HubError, match=f"{kind} '{name}' is public, and private was asked for"):
        push_run(run, "alice/run", private=True)
    assert nothing_sent(hub)


def test_a_name_too_long_for_the_log_stops_both(hub, run):
    with pytest.raises(ValueError, match="cannot be the id of a repository"):
        push_run(run, "alice/" + "r" * 90)
    assert not hub.requests


def test_a_broken_log_stops_both(hub, run):
    (run / "selections.parquet").write_bytes(b"PAR1")
    with pytest.raises((ValueError, OSError)):
        push_run(run, "alice/run")
    assert not hub.requests


@pytest.mark.parametrize("below", ["", "folder"])
def test_a_file_is_no_folder_to_pull_to(hub, tmp_path, below):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"file' is a file; give a folder"):
        pull_run("alice/run", tmp_path / "file" / below)
    assert not hub.requests
