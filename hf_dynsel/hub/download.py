"""Downloads one file of a commit, and proves that it is the one the commit has."""

from dataclasses import replace
from pathlib import Path

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url

from hf_dynsel.hub.cache import discard, kept
from hf_dynsel.hub.faults import HubError
from hf_dynsel.hub.patience import patiently
from hf_dynsel.hub.remote import RemoteFile
from hf_dynsel.hub.repo import Repo


def download(repo: Repo, commit: str, name: str, listed: RemoteFile) -> Path:
    """Returns the file in the cache, its size and hash those that the commit lists.

    A copy in the cache that is damaged is downloaded again, once.

    Raises:
        HubError: if what the Hub sends is something else; it is not left in the cache.
    """
    at = replace(repo, revision=commit)
    for _ in range(2):
        try:
            path = patiently(lambda: _fetch(at, name, listed))
        except OSError as error:
            # The client's own check of the size, which has no type of its own.
            if type(error) is not OSError or error.errno is not None:
                raise
            break
        with path.open("rb") as file:
            if path.stat().st_size == listed.size and listed.matches(file):
                return path
        discard(path)
    raise HubError(
        f"'{name}' of the {repo} is not what its commit lists: at {commit} it should have "
        f"{listed.size:,} bytes and the hash {listed.digest}. It was not kept; try again, and if "
        "it happens again, do not use this repository"
    )


def _fetch(at: Repo, name: str, listed: RemoteFile) -> Path:
    if (path := kept(at, name)) is not None:
        return path
    url = hf_hub_url(at.id, name, repo_type=at.type, revision=at.revision)
    offered = get_hf_file_metadata(url, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    # The client names the file in its cache by this hash, before it can compare it to anything.
    if (offered.commit_hash, offered.etag) != (at.revision, listed.digest):
        raise HubError(
            f"the Hub offers '{name}' of the {at} with the hash {offered.etag!r} of commit "
            f"{offered.commit_hash!r}, but commit {at.revision} lists {listed.digest}: it is not "
            "downloaded; check HF_ENDPOINT"
        )
    if offered.size not in (None, listed.size):
        raise HubError(
            f"the Hub offers '{name}' of the {at} with {offered.size:,} bytes, but its commit "
            f"lists {listed.size:,}: it is not downloaded; check HF_ENDPOINT"
        )
    return Path(hf_hub_download(at.id, name, repo_type=at.type, revision=at.revision))
