"""A Hub that lies about a repository, or serves other files than it lists, is not believed."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hostile_kit import CONFIG, KINDS, WEIGHTS, evil_pickle, refusal

pytestmark = pytest.mark.slow

ID = "alice/shared"
MODELS = pytest.mark.parametrize("kind", ["sae", "adapters"])
EACH = pytest.mark.parametrize("kind", KINDS)
DATA = {"sae": WEIGHTS, "adapters": WEIGHTS, "scores": "scores.parquet"}
NOTES = {"sae": CONFIG, "adapters": CONFIG, "scores": "scores.json"}


def serve(hub, kind):
    hub.add(ID, dict(KINDS[kind].files()), KINDS[kind].repo_type)


def told(kind) -> str:
    return refusal(lambda: KINDS[kind].load(ID))


def alter_json(hub, pattern: str, change: Callable[[Any], Any]) -> None:
    """Changes the JSON that the Hub answers with."""

    def altered(reply):
        return replace(reply, body=json.dumps(change(json.loads(reply.body))).encode())

    hub.alter(pattern, altered)


def files_say(hub, **values):
    alter_json(hub, "POST .*paths-info", lambda found: [{**file, **values} for file in found])


@EACH
def test_a_repository_of_the_other_type_is_named(hub, kind):
    other = "model" if KINDS[kind].repo_type == "dataset" else "dataset"
    hub.add(ID, dict(KINDS[kind].files()), other)
    assert f"'{ID}' is a {other} on the Hub, not a {KINDS[kind].repo_type}" in told(kind)


@EACH
def test_an_empty_repository_is_refused(hub, kind):
    hub.add(ID, {}, KINDS[kind].repo_type)
    assert f"has no {NOTES[kind]}" in told(kind)


@EACH
def test_no_repository_at_all_is_explained(hub, kind):
    assert f"there is no {KINDS[kind].repo_type} '{ID}' that you may see" in told(kind)


@EACH
@pytest.mark.parametrize(
    "name", ["../../config.json", "/etc/passwd", "a/../../b", "..\\..\\b", "C:\\b", "a\0b"]
)
def test_a_listed_file_outside_of_the_repository_is_refused(hub, kind, name):
    serve(hub, kind)
    add = {"rfilename": name}
    alter_json(hub, "GET /api/", lambda info: {**info, "siblings": [*info["siblings"], add]})
    assert "which is outside of it" in told(kind)


@EACH
@pytest.mark.parametrize("part", [NOTES, DATA], ids=["notes", "data"])
def test_other_bytes_of_the_same_size_are_refused(hub, kind, part, tmp_path):
    serve(hub, kind)
    size = len(KINDS[kind].files()[part[kind]])
    hub.tamper(part[kind], evil_pickle(tmp_path / "marker").ljust(size, b"\0")[:size])
    assert "is not what its commit lists" in told(kind)
    assert not (tmp_path / "marker").exists()


@EACH
@pytest.mark.parametrize("size", [0, 1, 300])
def test_other_bytes_of_another_size_are_refused(hub, kind, size):
    serve(hub, kind)
    hub.tamper(NOTES[kind], b" " * size)
    assert re.search("Consistency check failed|is not what its commit lists", told(kind))


@MODELS
@pytest.mark.parametrize("size", [3, 10**5])
def test_a_wrong_size_in_the_list_is_refused(hub, kind, size):
    serve(hub, kind)
    files_say(hub, size=size, lfs=None)
    assert re.search("cannot be|bytes, but its commit lists|not what its commit lists", told(kind))


@MODELS
@pytest.mark.parametrize("size", [10**15, -1, "264", None])
def test_an_impossible_size_in_the_list_is_refused(hub, kind, size):
    serve(hub, kind)
    files_say(hub, size=size)
    assert re.search("more than the 1,000,000 allowed|cannot be", told(kind))


@MODELS
@pytest.mark.parametrize("oid", ["", "f" * 40, "../../x", "F" * 39, None, 7])
def test_a_wrong_hash_in_the_list_is_refused(hub, kind, oid):
    serve(hub, kind)
    files_say(hub, oid=oid, lfs=None)
    assert re.search("cannot be|but commit .* lists|cannot be used", told(kind))


@MODELS
@pytest.mark.parametrize("sha", ["main", "../../etc", "", "0" * 41, None])
def test_a_commit_that_is_none_is_refused(hub, kind, sha):
    serve(hub, kind)
    alter_json(hub, "GET /api/", lambda info: {**info, "sha": sha})
    assert "is the commit" in told(kind)


@MODELS
def test_a_folder_with_the_name_of_a_file_is_refused(hub, kind):
    hub.add(ID, {f"{CONFIG}/{CONFIG}": b"{}", WEIGHTS: b""})
    assert "a folder has the name of a file" in told(kind)


@EACH
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[[[[" * 10**5])
@pytest.mark.parametrize("request_kind", ["GET /api/", "POST .*paths-info"])
def test_an_answer_that_is_no_answer_is_refused(hub, kind, body, request_kind):
    serve(hub, kind)
    hub.alter(request_kind, lambda reply: replace(reply, body=body))
    assert "Hub" in told(kind) or f"has no {NOTES[kind]}" in told(kind)
