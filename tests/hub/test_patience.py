"""A request is tried again only where that can help, and not for ever."""

import sys

import pytest
from huggingface_hub.errors import HfHubHTTPError

from hf_dynsel.hub import patience
from hf_dynsel.hub.patience import HTTPError, patiently

httpx = sys.modules[HTTPError.__module__.partition(".")[0]]  # httpx2 from client 2.0 on


@pytest.fixture
def waits(monkeypatch):
    seconds: list[float] = []
    monkeypatch.setattr(patience, "sleep", seconds.append)
    return seconds


def refused(status, **headers):
    request = httpx.Request("GET", "http://hub")
    return HfHubHTTPError("no", response=httpx.Response(status, headers=headers, request=request))


def failing(*errors):
    left = list(errors)

    def request():
        if left:
            raise left.pop(0)
        return "answer"

    return request


def test_the_pauses_double(waits):
    assert patiently(failing(*[refused(503)] * 4)) == "answer"
    assert waits == [1, 2, 4, 8]


def test_the_fifth_failure_is_the_last(waits):
    with pytest.raises(HfHubHTTPError):
        patiently(failing(*[refused(503)] * 5))
    assert waits == [1, 2, 4, 8]


def test_a_longer_pause_that_the_hub_asks_for_is_kept(waits):
    limit = {"RateLimit": '"api";r=0;t=55'}
    errors = [refused(429, **limit), refused(503, **{"Retry-After": "7"}), refused(429)]
    assert patiently(failing(*errors)) == "answer"
    assert waits == [55, 7, 4]


def test_a_limit_that_is_not_reached_asks_for_no_pause(waits):
    patiently(failing(refused(429, RateLimit='"api";r=9;t=55')))
    assert waits == [1]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 501])
def test_a_refusal_is_not_tried_again(waits, status):
    with pytest.raises(HfHubHTTPError):
        patiently(failing(refused(status)))
    assert waits == []


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ReadTimeout, httpx.WriteError])
def test_a_broken_connection_is_tried_again_also_inside_another_error(waits, kind):
    wrapped = RuntimeError("Error while uploading")
    wrapped.__cause__ = kind("broken")
    assert patiently(failing(kind("broken"), wrapped)) == "answer"
    assert waits == [1, 2]


def test_a_fault_of_ours_is_not_tried_again(waits):
    with pytest.raises(KeyError):
        patiently(failing(KeyError("name")))
    assert waits == []
