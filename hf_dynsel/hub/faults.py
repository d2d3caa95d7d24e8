"""Says in one sentence what a failed request to the Hub means, and what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from hf_dynsel.hub.patience import BUSY, MOVED, HTTPError, asked_pause, cause
from hf_dynsel.hub.repo import Repo

TOKENS = "https://huggingface.co/settings/tokens"
NO_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}


class HubError(OSError):
    """A request to the Hub that failed; its text is one sentence with the remedy."""


class HubAwayError(HubError):
    """The Hub cannot be asked now: no connection, offline mode, or it is busy."""


@contextmanager
def explained(repo: Repo) -> Iterator[None]:
    """Raises a HubError in place of whatever the client of the Hub raises inside."""
    try:
        yield
    except HubError:
        raise
    except Exception as error:
        failed = cause(error)
        away = isinstance(failed, HTTPError | OfflineModeIsEnabled) and (
            not isinstance(failed, HfHubHTTPError) or failed.response.status_code in BUSY
        )
        kind = HubAwayError if away else HubError
        raise kind(_sentence(failed, repo)) from error


def _sentence(error: BaseException, repo: Repo) -> str:
    if isinstance(error, OfflineModeIsEnabled):
        return (
            f"the {repo} cannot be asked for: HF_HUB_OFFLINE is set; unset it, "
            "or name a commit whose files are in the cache"
        )
    if isinstance(error, HfHubHTTPError):
        return _of_access(error, repo) or _of_status(error, repo)
    if isinstance(error, HTTPError):
        reason = str(error) or type(error).__name__
        return (
            f"the Hub at {constants.ENDPOINT} cannot be reached for the {repo} ({reason}); "
            "check the network and HF_ENDPOINT, and try again: what was sent is kept"
        )
    if isinstance(error, OSError) and error.errno in NO_DISK:
        return (
            f"files of the {repo} cannot be written to {error.filename or constants.HF_HUB_CACHE} "
            f"({error.strerror}); make room, or set HF_HOME to a folder you can write to"
        )
    said = " ".join(str(error).split())
    if isinstance(error, OSError):
        return f"files of the {repo} cannot be moved ({said}); try again"
    if said.startswith("Invalid metadata"):
        return f"the Hub refuses the card of the {repo} ({said}); correct its front matter"
    return (
        f"the Hub's answer about the {repo} cannot be used ({type(error).__name__}: {said}); "
        "check HF_ENDPOINT, and try again"
    )


def _of_access(error: HfHubHTTPError, repo: Repo) -> str | None:
    status, known = error.response.status_code, get_token() is not None
    if isinstance(error, GatedRepoError):
        login = "" if known else " and log in with `hf auth login`"
        return f"the {repo} is gated: accept its terms at {repo.url}{login}"
    if isinstance(error, DisabledRepoError):
        return f"the {repo} was disabled on the Hub; {repo.url} says why. Use another"
    if status == 401 and known and "Invalid credentials" in (error.server_message or ""):
        return (
            f"the Hub refuses your token, asked for the {repo}: make a new one at {TOKENS} "
            "and log in with `hf auth login` (or correct HF_TOKEN)"
        )
    if isinstance(error, RepositoryNotFoundError) or (status == 401 and not known):
        remedy = (
            "if it is private, ask its owner for access or log in as another user"
            if known
            else "if it is private, log in with `hf auth login`"
        )
        return f"there is no {repo} that you may see: check the id; {remedy}"
    if status in (401, 403):
        return (
            f"your token may not write to the {repo}: make one that may at {TOKENS} and log in "
            "with `hf auth login`, or push to a repository of your own"
        )
    return None


def _of_status(error: HfHubHTTPError, repo: Repo) -> str:
    status = error.response.status_code
    if isinstance(error, RevisionNotFoundError):
        return (
            f"the {repo} has no revision '{repo.revision or 'main'}'; "
            f"{repo.url}/tree/main lists its branches and tags"
        )
    if isinstance(error, RemoteEntryNotFoundError):
        return f"a file asked for is not in the {repo}; {repo.url}/tree/main lists its files"
    if status == MOVED:
        return f"others keep committing to the {repo} while you push; try again when they are done"
    if status == 429:
        seconds = asked_pause(error)
        wait = f"{seconds:.0f} seconds" if seconds else "some minutes"
        return f"the Hub had too many requests (429) for the {repo}; wait {wait} and try again"
    if status in BUSY:
        return (
            f"the Hub keeps answering {status} for the {repo}; see https://status.huggingface.co "
            "and try again later: what was sent is kept"
        )
    said = " ".join((error.server_message or "no reason given").split())
    return f"the Hub refused a request for the {repo} ({status}: {said})"
