"""The repositories of the test Hub: commits of named files, kept in memory."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

LFS_SUFFIXES = (".parquet", ".safetensors", ".bin", ".png", ".arrow")
LFS_BYTES = 10_000_000


class Refused(Exception):
    """An answer that is an error: its status, the code in `X-Error-Code`, and the message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Blob:
    """A file; one in large file storage is known to git by a pointer."""

    data: bytes
    lfs: bool = False

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def oid(self) -> str:
        stored = self.pointer if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(stored) + stored).hexdigest()

    @property
    def pointer(self) -> bytes:
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\n"
            f"size {len(self.data)}\n"
        ).encode()


@dataclass(frozen=True)
class Commit:
    sha: str
    parent: str | None
    title: str
    files: Mapping[str, Blob]


@dataclass
class Repo:
    """One repository: a line of commits per branch."""

    kind: str
    id: str
    private: bool = False
    gated: bool = False
    readers: set[str] = field(default_factory=set)
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)  # large files, by sha256

    def __post_init__(self) -> None:
        self.append("main", "initial commit", {".gitattributes": Blob(b"*.parquet filter=lfs\n")})

    def at(self, revision: str) -> Commit:
        """Returns the commit of a branch, tag or commit id."""
        sha = self.branches.get(revision) or self.tags.get(revision) or revision
        if sha not in self.commits:
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return self.commits[sha]

    def blob(self, revision: str, path: str) -> Blob:
        if path not in self.at(revision).files:
            raise Refused(404, "EntryNotFound", "Entry not found")
        return self.at(revision).files[path]

    def append(self, branch: str, title: str, files: Mapping[str, Blob]) -> str:
        parent = self.branches.get(branch)
        listing = sorted((path, blob.oid) for path, blob in files.items())
        text = repr((len(self.commits), parent, title, listing))
        sha = hashlib.sha1(text.encode()).hexdigest()
        self.commits[sha] = Commit(sha, parent, title, dict(files))
        self.branches[branch] = sha
        return sha

    def apply(self, branch: str, lines: Iterable[dict[str, Any]]) -> str:
        """Applies the lines of a commit request, all or none, and returns the new commit."""
        header, *changes = lines
        parent = header["value"].get("parentCommit")
        if branch not in self.branches:
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {branch}")
        if parent not in (None, self.branches[branch]):
            raise Refused(412, "", "A commit has happened since. Please refresh and try again.")
        files = dict(self.at(branch).files)
        for change in changes:
            self._change(files, change["key"], change["value"])
        return self.append(branch, header["value"]["summary"], files)

    def _change(self, files: dict[str, Blob], key: str, value: Mapping[str, Any]) -> None:
        path = value["path"]
        if key == "file":
            files[path] = Blob(base64.b64decode(value["content"]))
        elif key == "lfsFile":
            if len(self.stored.get(value["oid"], b"?")) != value["size"]:
                raise Refused(400, "", f"LFS pointer of {path} points to a file that is missing")
            files[path] = Blob(self.stored[value["oid"]], lfs=True)
        elif path in files:
            del files[path]
        else:
            raise Refused(404, "EntryNotFound", f"A file with this name doesn't exist: {path}")


def upload_mode(path: str, size: int) -> str:
    return "lfs" if path.endswith(LFS_SUFFIXES) or size > LFS_BYTES else "regular"
