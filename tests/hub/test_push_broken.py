"""A push that is disturbed ends in one whole commit, or in none."""

import os
import signal
import subprocess
import sys

import pytest

from hf_dynsel.hub import HubError, push
from hub_kit import child_environment, write
from hub_server import Fault

CARD = b"---\ntags:\n- hf-dynsel\n---\n"
FILES = {"README.md": CARD, "config.json": b"{}", "model.safetensors": b"w" * 2000}
REQUESTS = {
    "create": "POST /api/repos/create",
    "look": "GET /api/models/alice/r$",
    "list": "POST .*paths-info",
    "card": "POST /api/validate-yaml",
    "modes": "POST .*preupload",
    "batch": "POST .*objects/batch",
    "upload": "PUT /storage/",
    "commit": "POST .*/commit/main",
}


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "up", FILES)


def send(folder, **options):
    given = {"repo_type": "model", "message": "m", "owned": (), **options}
    return push(folder, "alice/r", **given)


def uploads(hub):
    return [line for line in hub.requests if line.startswith("PUT")]


def require_one_commit(hub, pushed):
    repo = hub.repo("alice/r")
    assert [commit.title for commit in repo.commits.values()] == ["initial commit", "m"]
    assert repo.branches["main"] == pushed.commit
    for name, data in FILES.items():
        assert repo.at("main").files[name].data == data


@pytest.mark.parametrize("request_kind", REQUESTS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_hub_is_asked_again(hub, folder, request_kind, status):
    hub.fail(REQUESTS[request_kind], times=2, status=status)
    require_one_commit(hub, send(folder))
    assert len(hub.waits) == 2


@pytest.mark.parametrize("request_kind", REQUESTS)
@pytest.mark.parametrize("received", [0, 1])
def test_a_request_that_is_cut_off_is_sent_again(hub, folder, request_kind, received):
    hub.drop(REQUESTS[request_kind], times=2, received=received)
    require_one_commit(hub, send(folder))


@pytest.mark.parametrize("request_kind", REQUESTS)
@pytest.mark.parametrize("sent", [None, 1])
def test_a_request_whose_answer_is_lost_is_not_done_twice(hub, folder, request_kind, sent):
    hub.drop(REQUESTS[request_kind], sent=sent)
    require_one_commit(hub, send(folder))


def test_the_pause_that_the_hub_asks_for_is_kept(hub, folder):
    hub.fail("POST .*/commit/main", status=429, Retry_After="17")
    send(folder)
    assert hub.waits == [17.0]


def test_a_pause_longer_than_the_hubs_window_is_not_waited_for(hub, folder):
    hub.fail("POST .*/commit/main", status=429, Retry_After="3600")
    with pytest.raises(HubError, match=r"\(429\) for the model 'alice/r'; wait 3600 seconds"):
        send(folder)
    assert hub.waits == []


def test_a_commit_of_others_in_between_is_kept_below_ours(hub, folder):
    def intrude(reply):
        hub.add("alice/r", {"theirs.txt": b"1", "config.json": b"[]"})
        return reply

    hub.alter("POST .*preupload", intrude, times=1)
    pushed = send(folder)
    repo = hub.repo("alice/r")
    assert [commit.title for commit in repo.commits.values()] == ["initial commit", "added", "m"]
    assert repo.at("main").files.keys() == {".gitattributes", "theirs.txt", *FILES}
    assert repo.at("main").files["config.json"].data == b"{}"
    assert repo.branches["main"] == pushed.commit
    assert len(uploads(hub)) == 1


def test_others_who_never_stop_committing_are_named(hub, folder):
    hub.fail("POST .*/commit/main", times=99, status=412)
    with pytest.raises(HubError, match="others keep committing to the model 'alice/r'"):
        send(folder)
    assert hub.waits == [1, 2, 4, 8]


def test_an_upload_that_fails_for_good_leaves_the_branch_and_the_next_sends_the_rest(hub, folder):
    before = hub.add("alice/r", {"config.json": b"[]"})
    write(folder, {"second.safetensors": b"2" * 3000})
    first, second = (hashed(data) for data in (FILES["model.safetensors"], b"2" * 3000))
    hub.drop(f"PUT .*{second}", times=99, received=1000)
    with pytest.raises(HubError, match="cannot be reached.*try again: what was sent is kept"):
        send(folder)
    assert hub.repo("alice/r").branches["main"] == before
    hub.faults.clear()
    hub.requests.clear()
    send(folder)
    assert [line.rpartition("/")[2] for line in uploads(hub)] == [second]
    assert hub.repo("alice/r").at("main").files["model.safetensors"].sha256 == first


def hashed(data):
    import hashlib

    return hashlib.sha256(data).hexdigest()


CHILD = """
import sys
from pathlib import Path
from hf_dynsel.hub import push
push(Path(sys.argv[1]), "alice/r", repo_type="model", message="m", owned=())
"""


def test_a_process_killed_in_the_middle_of_an_upload_leaves_the_branch_as_it_was(
    hub, folder, tmp_path
):
    before = hub.add("alice/r", {"config.json": b"[]"})
    write(folder, {"model.safetensors": b"w" * 3_000_000})
    child: list[subprocess.Popen] = []
    kill = Fault("PUT /storage/", 1, lambda _: os.kill(child[0].pid, signal.SIGKILL), True, 1000)
    hub.faults.append(kill)
    command = [sys.executable, "-c", CHILD, str(folder)]
    environment = child_environment(hub, tmp_path / "child")
    child.append(subprocess.Popen(command, env=environment))
    assert child[0].wait(timeout=60) == -signal.SIGKILL
    repo = hub.repo("alice/r")
    assert repo.branches["main"] == before
    assert not repo.stored
    subprocess.run(command, env=environment, check=True, timeout=60)
    assert repo.at("main").files["model.safetensors"].data == b"w" * 3_000_000
    assert [commit.title for commit in repo.commits.values()] == ["initial commit", "added", "m"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_hub_that_stays_busy_is_given_up_with_a_sentence(hub, folder, status):
    hub.fail("POST /api/repos/create", times=99, status=status)
    with pytest.raises(HubError, match=f"{status}.*try again"):
        send(folder)
    assert hub.waits == [1, 2, 4, 8]
    assert not hub.repos
