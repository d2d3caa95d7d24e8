"""Repositories and servers that are broken or lie are refused, and nothing of them is kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from hf_dynsel.hub import HubError, pull
from hub_repos import Blob

FILES = {"config.json": b'{"a": 1}', "model.safetensors": b"w" * 5000}
LIMITS = {"config.json": 10, "model.safetensors": 5000}
LARGE = "model.safetensors"


def get(limits=LIMITS, repo_type="model"):
    return pull("alice/r", limits, repo_type=repo_type)


def kept(name=None):
    """The files of this name, or of any, that a pull left in the cache."""
    found = [path for path in Path(constants.HF_HUB_CACHE).rglob("snapshots/*/*")]
    return [path for path in found if name in (None, path.name)]


def edit(change):
    """An alteration of a JSON answer."""

    def altered(reply):
        content = json.loads(reply.body)
        return replace(reply, body=json.dumps(change(content) or content).encode())

    return altered


def test_a_file_over_its_limit_is_not_downloaded(hub):
    hub.add("alice/r", FILES)
    with pytest.raises(HubError, match="'model.safetensors'.*has 5,000 bytes, more than the 4,999"):
        get({**LIMITS, LARGE: 4999})
    assert not [line for line in hub.requests if "resolve" in line]


def test_a_missing_file_is_named_with_what_to_do(hub):
    hub.add("alice/r", {"config.json": b"{}"})
    with pytest.raises(HubError, match="model 'alice/r' has no model.safetensors at commit"):
        get()


def test_a_folder_in_place_of_a_file_is_refused(hub):
    hub.add("alice/r", {"config.json/x": b"{}", LARGE: b"w"})
    with pytest.raises(HubError, match="a folder has the name of a file that is needed.*config"):
        get()


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "..\\x",
        "a\\..\\x",
        "C:\\x",
        "c:/x",
        "..",
        "a/..",
        "\0",
    ],
)
def test_a_repository_that_lists_a_file_outside_of_it_is_refused(hub, name):
    hub.add("alice/r", {**FILES, name: b"x"})
    with pytest.raises(HubError, match="which is outside of it: do not use this repository"):
        get()
    assert kept() == []


@pytest.mark.parametrize("name", ["../config.json", "/config.json", "a/../../b"])
def test_a_name_outside_of_the_repository_is_never_asked_for(hub, name):
    hub.add("alice/r", FILES)
    with pytest.raises(HubError, match="which is outside of it"):
        get({name: 10})
    assert hub.requests == []


@pytest.mark.parametrize("name", FILES)
def test_other_bytes_than_the_commit_lists_are_refused_and_not_kept(hub, name):
    hub.add("alice/r", FILES)
    hub.tamper(name, b"v" * len(FILES[name]))
    with pytest.raises(HubError, match=f"'{name}' of .* is not what its commit .* not kept"):
        get()
    assert kept(name) == []
    hub.faults.clear()
    assert (get().folder / name).read_bytes() == FILES[name]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("more", [-3, 3, 5000])
def test_a_file_shorter_or_longer_than_listed_is_refused_and_not_kept(hub, name, more):
    hub.add("alice/r", FILES)
    hub.tamper(name, (FILES[name] * 2000)[: len(FILES[name]) + more])
    with pytest.raises(HubError, match="is not what its commit lists.*was not kept"):
        get()
    assert kept(name) == []


def test_an_end_that_never_comes_is_given_up(hub):
    hub.add("alice/r", FILES)
    hub.drop("GET /storage/", times=99, sent=0)
    with pytest.raises(HubError, match="cannot be reached for the model 'alice/r'"):
        get()
    assert kept(LARGE) == []


HEADERS = {
    "another hash": {"X-Linked-Etag": '"' + "0" * 64 + '"'},
    "a hash that climbs": {"X-Linked-Etag": '"../../../../../escaped"'},
    "an absolute hash": {"X-Linked-Etag": '"/tmp/escaped"'},
    "no hash": {"X-Linked-Etag": "", "ETag": '""'},
    "another commit": {"X-Repo-Commit": "0" * 40},
    "a commit that climbs": {"X-Repo-Commit": "../../escaped"},
    "another size": {"X-Linked-Size": "4999"},
    "a huge size": {"X-Linked-Size": "99999999999999"},
}


@pytest.mark.parametrize("lie", HEADERS)
def test_a_file_offered_as_something_else_is_not_downloaded(hub, lie):
    hub.add("alice/r", FILES)
    altered = {**HEADERS[lie]}
    hub.alter(f"HEAD .*{LARGE}", lambda reply: replace(reply, headers={**reply.headers, **altered}))
    with pytest.raises(HubError, match=f"offers '{LARGE}' of the model 'alice/r'.*check HF_ENDPO"):
        get()
    assert kept(LARGE) == []
    assert not [line for line in hub.requests if line.startswith("GET /storage")]


INFOS = {
    "no commit": lambda info: info.pop("sha"),
    "a commit that is none": lambda info: info.update(sha="main"),
    "a commit that climbs": lambda info: info.update(sha="../../escaped"),
    "a commit of another kind": lambda info: info.update(sha=["a"]),
    "no id": lambda info: info.pop("id"),
    "files without names": lambda info: info.update(siblings=[{}]),
    "files as a number": lambda info: info.update(siblings=7),
    "names as numbers": lambda info: info.update(siblings=[{"rfilename": 7}]),
}


@pytest.mark.parametrize("lie", INFOS)
def test_a_description_that_cannot_be_is_refused(hub, lie):
    hub.add("alice/r", FILES)
    hub.alter("GET /api/models/alice/r$", edit(lambda info: INFOS[lie](info) and None))
    with pytest.raises(HubError, match="model 'alice/r'.*check HF_ENDPOINT"):
        get()
    assert kept() == []


PATHS = {
    "no size": lambda file: file.pop("size"),
    "a negative size": lambda file: file.update(size=-1),
    "a size in words": lambda file: file.update(size="10"),
    "a size that is no count": lambda file: file.update(size=True),
    "another size in large storage": lambda file: file["lfs"].update(size=1),
    "no hash": lambda file: file["lfs"].pop("oid"),
    "a short hash": lambda file: file["lfs"].update(oid="abc"),
    "a hash that climbs": lambda file: file["lfs"].update(oid="../" * 20 + "etc"),
    "no path": lambda file: file.pop("path"),
    "no type": lambda file: file.pop("type"),
}


@pytest.mark.parametrize("lie", PATHS)
def test_a_listing_that_cannot_be_is_refused(hub, lie):
    hub.add("alice/r", FILES)
    hub.alter("POST .*paths-info", edit(lambda files: PATHS[lie](files[-1]) and None))
    with pytest.raises(HubError, match="model 'alice/r'.*check HF_ENDPOINT"):
        get()
    assert kept() == []


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"7", b'"a"', b"{", b"\xff", b"<html>"])
@pytest.mark.parametrize("request_kind", ["GET /api/models", "POST .*paths-info"])
def test_an_answer_that_is_none_is_refused(hub, request_kind, body):
    hub.add("alice/r", FILES)
    hub.alter(request_kind, lambda reply: replace(reply, body=body))
    with pytest.raises(HubError, match="model 'alice/r'"):
        get()
    assert kept() == []


def test_a_file_that_was_not_asked_for_is_ignored(hub):
    hub.add("alice/r", {**FILES, "setup.py": b"raise SystemExit"})
    extra = {"type": "file", "path": "setup.py", "size": 16, "oid": "0" * 40}
    hub.alter("POST .*paths-info", edit(lambda files: files.append(extra)))
    get()
    assert kept("setup.py") == []


def test_a_commit_id_that_the_hub_takes_for_another_is_refused(hub):
    commit = hub.add("alice/r", FILES)
    hub.alter("GET /api/models", edit(lambda info: info.update(sha="0" * 40)))
    with pytest.raises(HubError, match=f"revision '{commit}'.*which it cannot be"):
        pull("alice/r", LIMITS, repo_type="model", revision=commit)


@pytest.mark.parametrize(("repo_type", "other"), [("model", "dataset"), ("dataset", "model")])
def test_a_repository_of_the_other_kind_is_named(hub, repo_type, other):
    hub.add("alice/r", FILES, kind=other)
    with pytest.raises(HubError, match=f"'alice/r' is a {other} on the Hub, not a {repo_type}"):
        get(repo_type=repo_type)


def test_a_link_in_the_repository_is_pulled_as_the_text_that_git_keeps(hub):
    """Git keeps a symbolic link as a file with the name of its target; it stays a file here."""
    hub.add("alice/r", FILES)
    hub.repo("alice/r").append("main", "link", {"config.json": Blob(b"../../x"), LARGE: Blob(b"w")})
    folder = get().folder
    assert (folder / "config.json").read_bytes() == b"../../x"
