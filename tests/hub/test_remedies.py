"""What went wrong is said in one sentence with the value, the rule and the remedy."""

import pytest

from hf_dynsel.hub import HubError, pull, push
from hub_kit import go_offline, log_in, write

FILES = {"config.json": b"{}"}


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "up", FILES)


def send(folder, repo_id="alice/r"):
    return push(folder, repo_id, repo_type="model", message="m", owned=())


def get(repo_id="alice/r", revision=None):
    return pull(repo_id, {"config.json": 10}, repo_type="model", revision=revision)


def require_one_sentence(raised, *parts):
    text = str(raised.value)
    assert "\n" not in text
    for part in parts:
        assert part in text


def test_a_push_without_a_token_says_how_to_log_in(hub, folder, monkeypatch):
    log_in(monkeypatch, None)
    with pytest.raises(HubError) as raised:
        send(folder)
    require_one_sentence(raised, "model 'alice/r' needs a token", "`hf auth login`")
    assert hub.requests == []


def test_a_token_that_the_hub_does_not_know(hub, folder, monkeypatch):
    hub.add("alice/r", FILES)
    log_in(monkeypatch, "hf_expired")
    for request in (lambda: send(folder), get):
        with pytest.raises(HubError) as raised:
            request()
        require_one_sentence(raised, "refuses your token", "settings/tokens", "`hf auth login`")


@pytest.mark.parametrize("exists", [True, False])
def test_a_token_that_may_not_write(hub, folder, monkeypatch, exists):
    if exists:
        hub.add("alice/r", {"config.json": b"[]"})
    log_in(monkeypatch, "hf_reader")
    with pytest.raises(HubError) as raised:
        send(folder)
    require_one_sentence(raised, "your token may not write to the model 'alice/r'", "hf auth login")


@pytest.mark.parametrize("exists", [True, False])
def test_a_repository_of_others_is_not_written_to(hub, folder, exists):
    if exists:
        hub.add("bob/r", {"config.json": b"[]"})
    with pytest.raises(HubError) as raised:
        send(folder, "bob/r")
    require_one_sentence(raised, "may not write to the model 'bob/r'", "a repository of your own")


@pytest.mark.parametrize("exists", [True, False])
def test_a_repository_that_nobody_here_may_see_may_be_private(hub, monkeypatch, exists):
    if exists:
        hub.add("bob/r", FILES, private=True)
    with pytest.raises(HubError) as raised:
        get("bob/r")
    require_one_sentence(raised, "no model 'bob/r' that you may see", "ask its owner for access")
    log_in(monkeypatch, None)
    with pytest.raises(HubError) as raised:
        get("bob/r")
    require_one_sentence(raised, "if it is private, log in with `hf auth login`")


def test_a_gated_repository_names_the_page_with_its_terms(hub, monkeypatch):
    hub.add("bob/r", FILES, gated=True)
    with pytest.raises(HubError) as raised:
        get("bob/r")
    require_one_sentence(raised, f"'bob/r' is gated: accept its terms at {hub.endpoint}/bob/r")
    assert "log in" not in str(raised.value)
    log_in(monkeypatch, None)
    with pytest.raises(HubError) as raised:
        get("bob/r")
    require_one_sentence(raised, "accept its terms", "log in with `hf auth login`")


def test_a_revision_that_is_not_there(hub):
    hub.add("alice/r", FILES)
    for revision in ("v9", "0" * 40):
        with pytest.raises(HubError) as raised:
            get(revision=revision)
        require_one_sentence(raised, f"no revision '{revision}'", f"{hub.endpoint}/alice/r/tree")


@pytest.mark.parametrize("name", ["", "a/b/c", "alice/", "/r", "a--b", "a..b", "a/r.git", "a b"])
def test_an_id_that_cannot_be_one_is_not_asked_for(hub, folder, name):
    for request in (lambda: get(name), lambda: send(folder, name)):
        with pytest.raises(ValueError, match="cannot be the id of a repository.*Write it as user/"):
            request()
    assert hub.requests == []


@pytest.mark.parametrize("revision", ["", "../x", "a..b", "/main", "a b", "a\n", "a\\b", "x~1"])
def test_a_revision_that_cannot_be_one_is_not_asked_for(hub, revision):
    with pytest.raises(ValueError, match="cannot be the name of a branch, tag or commit"):
        get(revision=revision)
    assert hub.requests == []


def test_a_hub_that_stays_away_is_given_up_after_five_tries(hub):
    hub.drop("GET /api", times=99, received=0)
    with pytest.raises(HubError) as raised:
        get()
    require_one_sentence(raised, f"Hub at {hub.endpoint} cannot be reached", "check the network")
    assert hub.waits == [1, 2, 4, 8]


def test_a_push_in_offline_mode_names_the_variable(hub, folder, monkeypatch):
    go_offline(monkeypatch)
    with pytest.raises(HubError) as raised:
        send(folder)
    require_one_sentence(raised, "model 'alice/r'", "HF_HUB_OFFLINE is set; unset it")
    assert hub.requests == hub.waits == []


def test_a_disabled_repository_is_named(hub):
    hub.add("alice/r", FILES)
    message = "Access to this resource is disabled."
    hub.fail("GET /api/models", status=403, X_Error_Message=message)
    with pytest.raises(HubError) as raised:
        get()
    require_one_sentence(raised, "the model 'alice/r' was disabled on the Hub")


def test_any_other_refusal_gives_the_words_of_the_hub(hub, folder):
    hub.fail("POST .*commit/", status=413, X_Error_Message="Storage limit reached")
    with pytest.raises(HubError) as raised:
        send(folder)
    require_one_sentence(raised, "model 'alice/r' (413: Storage limit reached)")
