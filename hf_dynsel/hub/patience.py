"""Tries a request to the Hub again while trying again can help."""

from collections.abc import Callable
from json import JSONDecodeError
from time import sleep
from typing import TypeVar

from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from huggingface_hub.errors import HTTPError as HTTPError  # type: ignore[attr-defined]
from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]

TRIES = 5
LONGEST_PAUSE = 330.0  # seconds; the Hub counts requests in windows of 300
BUSY = frozenset({408, 429, 500, 502, 503, 504})
MOVED = 412  # somebody else's commit came first
Answer = TypeVar("Answer")


def patiently(request: Callable[[], Answer], tries: int = TRIES) -> Answer:
    """Returns what a request gives, tried again if the Hub is busy or the connection breaks.

    The pauses are 1, 2, 4 and 8 seconds, or what the Hub asks for; it is not waited for longer
    than its window for counting requests.

    Args:
        request: safe to repeat whether or not the Hub has carried it out.
        tries: how many in all.
    """
    for tried in range(1, tries):
        try:
            return request()
        except Exception as error:
            seconds = pause(error, tried)
            if seconds is None or seconds > LONGEST_PAUSE:
                raise
        sleep(seconds)
    return request()


def pause(error: BaseException, tried: int) -> float | None:
    """Returns the seconds to wait before trying again, or None if that cannot help."""
    error = cause(error)
    doubled = float(2 ** (tried - 1))
    if not isinstance(error, HfHubHTTPError):
        # A page of a gateway in place of the Hub's JSON is a sign of a busy Hub, too.
        return doubled if isinstance(error, HTTPError | JSONDecodeError) else None
    if error.response.status_code not in BUSY | {MOVED}:
        return None
    return max(doubled, asked_pause(error))


def asked_pause(error: HfHubHTTPError) -> float:
    """Returns the seconds that the Hub asks to wait, 0 if it does not ask."""
    headers = error.response.headers
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    asked = headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else 0.0


def cause(error: BaseException) -> BaseException:
    """Returns the failed request behind an error that the client raises in place of it."""
    wrapped = isinstance(error, RuntimeError | LocalEntryNotFoundError)
    return error.__cause__ if wrapped and error.__cause__ is not None else error
