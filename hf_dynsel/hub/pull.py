"""Pulls named files of one commit from the Hub, checked before and after the download."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

from hf_dynsel.hub import cache
from hf_dynsel.hub.download import download
from hf_dynsel.hub.faults import HubAwayError, HubError, explained
from hf_dynsel.hub.patience import TRIES, patiently
from hf_dynsel.hub.remote import Head, look, require_inside
from hf_dynsel.hub.repo import Repo, RepoType

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pulled:
    """The files of one commit, in a folder of the client's cache."""

    folder: Path
    repo_id: str
    commit: str

    @property
    def source(self) -> str:
        """What was pulled, for provenance: `user/name@commit`."""
        return f"{self.repo_id}@{self.commit}"


def pull(
    repo_id: str,
    limits: Mapping[str, int],
    *,
    repo_type: RepoType,
    optional: Collection[str] = (),
    revision: str | None = None,
) -> Pulled:
    """Returns the files of one commit, each as large as allowed and as hashed by the commit.

    No other file is downloaded. A full commit id that is in the cache is not asked for; of a
    branch or tag the cached files are used, and said so, where the Hub cannot be asked.

    Args:
        repo_id: the repository, as `user/name`.
        limits: the files to pull, with the most bytes that each may have.
        repo_type: model or dataset; a repository of the other kind is refused.
        optional: those of the files that the repository need not have.
        revision: branch, tag or commit; the default branch if None.

    Raises:
        HubError: if a file is missing, too large or not what its commit lists, or the Hub cannot
            be reached and the files are not in the cache; the text says what to do.
        ValueError: if the id or the revision cannot be one.
    """
    repo = Repo(repo_id, repo_type, revision)
    for name in limits:
        require_inside(repo, name)
    kept = cache.find(repo, limits, optional)
    if kept and kept.whole and repo.pinned and kept.sound():
        return Pulled(kept.folder, repo_id, kept.folder.name)
    try:
        with explained(repo):
            head = _look(repo, limits, 1 if kept else TRIES)
    except HubAwayError as away:
        if kept is None or not kept.sound():
            raise
        commit = kept.folder.name
        logger.info("%s: commit %s from the cache is used (%s)", repo_id, commit, away)
        return Pulled(kept.folder, repo_id, commit)
    _require_fit(repo, head, limits, optional)
    with explained(repo):
        paths = {name: download(repo, head.commit, name, f) for name, f in head.files.items()}
    cache.remember(repo, head.commit)
    name, path = next(iter(paths.items()))
    return Pulled(path.parents[name.count("/")], repo_id, head.commit)


def _look(repo: Repo, limits: Mapping[str, int], tries: int) -> Head:
    api = HfApi()
    try:
        return patiently(lambda: look(api, repo, limits.keys()), tries)
    except GatedRepoError:
        raise
    except RepositoryNotFoundError:
        other: RepoType = "dataset" if repo.type == "model" else "model"
        if not api.repo_exists(repo.id, repo_type=other):
            raise
        raise HubError(
            f"'{repo.id}' is a {other} on the Hub, not a {repo.type}; give the id of a {repo.type}"
        ) from None


def _require_fit(
    repo: Repo, head: Head, limits: Mapping[str, int], optional: Collection[str]
) -> None:
    needed = limits.keys() - set(optional) or limits.keys()
    if missing := sorted(needed - head.files.keys()):
        raise HubError(
            f"the {repo} has no {' and no '.join(missing)} at commit {head.commit}; give the id "
            "of a repository that this library pushed, or the revision that has these files"
        )
    for name, file in head.files.items():
        if file.size > limits[name]:
            raise HubError(
                f"'{name}' of the {repo} has {file.size:,} bytes, more than the {limits[name]:,} "
                "allowed for it: it is not downloaded"
            )
