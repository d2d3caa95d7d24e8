"""A pull gives the named files of one commit, from the Hub or from the cache."""

import logging
from pathlib import Path

import pytest
from huggingface_hub import constants

from hf_dynsel.hub import HubError, pull
from hub_kit import go_offline, log_in

FILES = {"config.json": b"{}", "model.safetensors": b"w" * 5000}
LIMITS = {"config.json": 10, "model.safetensors": 5000}


def get(revision=None, limits=LIMITS, **options):
    return pull("alice/r", limits, repo_type="model", revision=revision, **options)


def downloads(hub):
    return [line for line in hub.requests if line.startswith("GET") and "/api/" not in line]


def test_only_the_named_files_are_downloaded(hub):
    hub.add("alice/r", {**FILES, "pytorch_model.bin": b"evil"})
    folder = get().folder
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_an_optional_file_may_be_missing(hub):
    hub.add("alice/r", FILES)
    limits = {**LIMITS, "codes.safetensors": 10}
    assert not (get(limits=limits, optional=("codes.safetensors",)).folder / "codes").exists()
    hub.add("alice/r", {"codes.safetensors": b"c"})
    folder = get(limits=limits, optional=("codes.safetensors",)).folder
    assert (folder / "codes.safetensors").read_bytes() == b"c"


def test_all_files_are_of_the_commit_that_was_there_first(hub):
    first = hub.add("alice/r", FILES)

    def change(reply):
        hub.add("alice/r", {"config.json": b"[]", "model.safetensors": b"v" * 5000})
        return reply

    hub.alter("POST .*paths-info", change, times=1)
    pulled = get()
    assert pulled.commit == first
    assert {name: (pulled.folder / name).read_bytes() for name in FILES} == FILES


@pytest.mark.parametrize("name", ["v1", "side", "commit"])
def test_a_tag_a_branch_and_a_commit_are_revisions(hub, name):
    first = hub.add("alice/r", FILES)
    repo = hub.repo("alice/r")
    repo.tags["v1"], repo.branches["side"] = first, first
    hub.add("alice/r", {"config.json": b"[]"})
    assert get(first if name == "commit" else name).commit == first


def test_a_commit_in_the_cache_is_not_asked_for(hub):
    commit = hub.add("alice/r", FILES)
    first = get(commit)
    hub.requests.clear()
    assert get(commit) == first
    assert hub.requests == []


def test_a_file_in_the_cache_is_not_downloaded_again(hub):
    hub.add("alice/r", FILES)
    get()
    hub.requests.clear()
    get()
    assert downloads(hub) == []
    hub.add("alice/r", {"config.json": b"[]"})
    get()
    assert len(downloads(hub)) == 1


def test_offline_the_branch_is_as_it_was_pulled_last_and_the_log_names_the_commit(
    hub, monkeypatch, caplog
):
    commit = hub.add("alice/r", FILES)
    online = get("main")
    hub.add("alice/r", {"config.json": b"[]"})
    go_offline(monkeypatch)
    with caplog.at_level(logging.INFO, logger="hf_dynsel.hub.pull"):
        assert get() == online
    assert f"alice/r: commit {commit} from the cache is used" in caplog.text


@pytest.mark.parametrize("away", ["stopped", "busy", "cut"])
def test_a_hub_that_cannot_be_asked_is_replaced_by_the_cache_without_waiting(
    hub, away, monkeypatch
):
    hub.add("alice/r", FILES)
    online = get()
    if away == "stopped":
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    elif away == "busy":
        hub.fail("GET", times=99, status=503)
    else:
        hub.drop("GET", times=99, received=0)
    assert get() == online
    assert hub.waits == []


def test_offline_without_the_files_says_so(hub, monkeypatch):
    hub.add("alice/r", FILES)
    get(limits={"config.json": 10})
    go_offline(monkeypatch)
    with pytest.raises(HubError, match="model 'alice/r' cannot be asked for: HF_HUB_OFFLINE is"):
        get()


def test_offline_a_damaged_file_is_not_used(hub, monkeypatch):
    hub.add("alice/r", FILES)
    (get().folder / "model.safetensors").resolve().write_bytes(b"v" * 5000)
    go_offline(monkeypatch)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        get()


def test_a_damaged_file_of_the_cache_is_downloaded_again(hub):
    commit = hub.add("alice/r", FILES)
    file = get(commit).folder / "model.safetensors"
    file.resolve().write_bytes(b"v" * 5000)
    assert (get(commit).folder / "model.safetensors").read_bytes() == b"w" * 5000
    assert len([line for line in downloads(hub) if "/storage/" in line]) == 2


def test_offline_a_limit_holds_for_cached_files_too(hub, monkeypatch):
    hub.add("alice/r", FILES)
    get()
    go_offline(monkeypatch)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        get(limits={**LIMITS, "model.safetensors": 4999})


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("sent", [0, 1])
def test_a_download_that_breaks_off_goes_on(hub, name, sent):
    hub.add("alice/r", FILES)
    hub.drop(rf"GET (/alice/r/resolve/.*/{name}|/storage/)", times=2, sent=sent)
    assert (get().folder / name).read_bytes() == FILES[name]


def test_a_download_that_breaks_off_asks_for_the_rest_only(hub, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100)  # of 10 MB; part of one is lost
    hub.add("alice/r", FILES)
    hub.drop("GET /storage/", sent=1000)
    rest = []
    hub.alter("GET /storage/", lambda reply: rest.append(reply) or reply)
    get()
    assert [(reply.status, len(reply.body)) for reply in rest] == [(206, 4000)]


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(
    "request_kind",
    ["GET /api/models", "POST .*paths-info", "HEAD /alice", "GET /ali", "/storage"],
)
def test_a_busy_hub_is_asked_again(hub, request_kind, status):
    hub.add("alice/r", FILES)
    hub.fail(request_kind, times=2, status=status)
    assert (get().folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert len(hub.waits) == 2


@pytest.mark.parametrize("request_kind", ["GET /api/models", "POST .*paths-info", "HEAD /alice"])
def test_a_request_that_is_cut_off_is_sent_again(hub, request_kind):
    hub.add("alice/r", FILES)
    hub.drop(request_kind, times=2)
    assert get().repo_id == "alice/r"


def test_a_private_repository_is_pulled_by_its_owner(hub):
    hub.add("alice/r", FILES, private=True)
    assert get().repo_id == "alice/r"


def test_a_gated_repository_is_pulled_by_who_accepted_its_terms(hub, monkeypatch):
    hub.add("alice/r", FILES, gated=True, readers={"bob"})
    log_in(monkeypatch, "hf_bob")
    assert get().repo_id == "alice/r"


def test_a_cache_that_cannot_be_written_is_named_with_the_remedy(hub, monkeypatch, tmp_path):
    hub.add("alice/r", FILES)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file"))
    with pytest.raises(HubError, match="cannot be written to .*file.*set HF_HOME to a folder"):
        get()


def test_a_full_disk_is_named_with_the_remedy(hub, monkeypatch):
    hub.add("alice/r", FILES)

    def full(*_, **__):
        raise OSError(28, "No space left on device", "/cache/blobs/1")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(HubError, match=r"/cache/blobs/1 \(No space left on device\); make room"):
        get()
