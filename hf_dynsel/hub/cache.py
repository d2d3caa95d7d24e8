"""Finds pulled files in the client's cache, and keeps damaged ones out of it."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.file_download import repo_folder_name

from hf_dynsel.hub.remote import SHA256, RemoteFile
from hf_dynsel.hub.repo import COMMIT, Repo


@dataclass(frozen=True)
class Kept:
    """A commit in the cache that has all required files; `whole` if the optional ones, too."""

    folder: Path
    files: tuple[Path, ...]
    whole: bool

    def sound(self) -> bool:
        """Whether no file was damaged since it was downloaded."""
        return all(map(_is_sound, self.files))


def find(repo: Repo, limits: Mapping[str, int], optional: Collection[str]) -> Kept | None:
    """Returns the revision's files in the cache, or None if a required one is not there.

    Args:
        repo: with the revision, taken as it was when it was pulled last.
        limits: most bytes of each file.
        optional: the files that a commit need not have.
    """
    found = {name: path for name in limits if (path := kept(repo, name)) is not None}
    needed = limits.keys() - set(optional) or limits.keys()
    too_large = any(path.stat().st_size > limits[name] for name, path in found.items())
    if too_large or not found or needed - found.keys():
        return None
    name, path = next(iter(found.items()))
    return Kept(path.parents[name.count("/")], tuple(found.values()), len(found) == len(limits))


def _is_sound(path: Path) -> bool:
    # A file of the cache is a link to its content, which has its hash for a name.
    digest = path.readlink().name if path.is_symlink() else ""
    if not (SHA256.fullmatch(digest) or COMMIT.fullmatch(digest)):
        return True
    with path.open("rb") as file:
        return RemoteFile(path.stat().st_size, digest).matches(file)


def kept(repo: Repo, name: str) -> Path | None:
    """Returns a file of the revision in the cache, whatever it holds."""
    path = try_to_load_from_cache(repo.id, name, revision=repo.revision, repo_type=repo.type)
    return Path(path) if isinstance(path, str) else None


def discard(path: Path) -> None:
    """Removes a file from the cache, with its content."""
    content = path.resolve()
    path.unlink()
    content.unlink(missing_ok=True)


def remember(repo: Repo, commit: str) -> None:
    """Notes which commit a branch or tag was at, as the client does; it is read when offline."""
    if not repo.pinned:
        name = repo_folder_name(repo_id=repo.id, repo_type=repo.type)
        note = Path(constants.HF_HUB_CACHE) / name / "refs" / (repo.revision or "main")
        with suppress(OSError):  # a cache may be read-only
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(commit)
