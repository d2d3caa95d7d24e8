"""Looks at what the Hub says a repository holds, and believes only what can be true."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from huggingface_hub import HfApi, constants
from huggingface_hub.hf_api import RepoFile

from hf_dynsel.hub.faults import HubError
from hf_dynsel.hub.repo import COMMIT, Repo

OUTSIDE = re.compile(r"[/\\]|[A-Za-z]:[/\\]|.*\0", re.DOTALL)
SHA256 = re.compile(r"[0-9a-f]{64}")


@runtime_checkable
class Readable(Protocol):
    """An open file, or bytes that are read like one."""

    def read(self, size: int, /) -> bytes:
        """Returns the next bytes, none at the end."""
        ...


@dataclass(frozen=True)
class RemoteFile:
    """A file on the Hub: its bytes, and its sha256 if it is in large storage, else its git id."""

    size: int
    digest: str

    def matches(self, file: Readable) -> bool:
        """Whether an open file holds just these bytes."""
        hashed = hashlib.sha256()
        if not SHA256.fullmatch(self.digest):
            hashed = hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        while block := file.read(1 << 20):
            hashed.update(block)
        return hashed.hexdigest() == self.digest


@dataclass(frozen=True)
class Head:
    """A commit, and those of the files asked about that it has."""

    commit: str
    private: bool
    files: Mapping[str, RemoteFile]


def look(api: HfApi, repo: Repo, names: Collection[str]) -> Head:
    """Returns the commit that a revision is at now, and the files of these names in it.

    Raises:
        HubError: if the answer is not that of a repository.
    """
    info = api.repo_info(
        repo.id,
        repo_type=repo.type,
        revision=repo.revision,
        timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT,
    )
    commit = str(info.sha)
    if not COMMIT.fullmatch(commit) or (repo.pinned and commit != repo.revision):
        raise HubError(
            f"the Hub says that revision '{repo.revision or 'main'}' of the {repo} is the commit "
            f"{commit!r}, which it cannot be; check HF_ENDPOINT"
        )
    for sibling in getattr(info, "siblings", None) or ():
        require_inside(repo, sibling.rfilename)
    wanted, listed = list(names), []
    if wanted:
        listed = api.get_paths_info(repo.id, wanted, revision=commit, repo_type=repo.type)
    files = {entry.path: _file(entry, repo) for entry in listed if entry.path in names}
    return Head(commit, bool(info.private), files)


def require_inside(repo: Repo, name: str) -> None:
    """Raises HubError if a name, written to a folder, could be a file outside of the folder."""
    if OUTSIDE.match(name) or ".." in re.split(r"[/\\]", name):
        raise HubError(
            f"the {repo} names a file {name!r}, which is outside of it: do not use this repository"
        )


def _file(entry: object, repo: Repo) -> RemoteFile:
    if not isinstance(entry, RepoFile):
        raise HubError(f"in the {repo}, a folder has the name of a file that is needed: {entry}")
    size, digest = entry.size, entry.lfs.sha256 if entry.lfs else entry.blob_id
    known = (SHA256 if entry.lfs else COMMIT).fullmatch(str(digest))
    if type(size) is not int or size < 0 or not known or (entry.lfs and entry.lfs.size != size):
        raise HubError(
            f"the Hub says that '{entry.path}' of the {repo} has {size!r} bytes and the hash "
            f"{digest!r}, which cannot be; check HF_ENDPOINT"
        )
    return RemoteFile(size, digest)
