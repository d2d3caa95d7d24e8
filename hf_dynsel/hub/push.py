"""Pushes the files of a folder to the Hub in one commit, and never in two."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from tqdm import tqdm

from hf_dynsel.hub.download import download
from hf_dynsel.hub.faults import TOKENS, HubError, explained
from hf_dynsel.hub.folder import files_of
from hf_dynsel.hub.patience import patiently
from hf_dynsel.hub.remote import Head, look
from hf_dynsel.hub.repo import Repo, RepoType
from hf_dynsel.hub.tags import with_tags_of

CARD = "README.md"
LARGEST_CARD = 1_000_000  # bytes


@dataclass(frozen=True)
class Pushed:
    """What was pushed, or would be."""

    repo_id: str
    repo_type: RepoType
    url: str
    commit: str | None
    files: Mapping[str, int]  # bytes, by name

    def describe(self) -> str:
        """Returns one line on what was pushed, or one per file on what would be."""
        total = f"{len(self.files)} files, {_size(sum(self.files.values()))}"
        if self.commit is not None:
            return f"{self.repo_type} {self.repo_id}: {total}, commit {self.commit} at {self.url}"
        lines = [f"  {_size(size):>10}  {name}" for name, size in self.files.items()]
        return "\n".join([f"{self.repo_type} {self.repo_id}: would push {total}", *lines])


def _size(count: int) -> str:
    return str(tqdm.format_sizeof(count, "B"))


def require_token(repo: object) -> None:
    """Raises HubError if nobody is logged in, who could push to a repository."""
    if get_token() is None:
        raise HubError(
            f"pushing to the {repo} needs a token: make one that may write at {TOKENS} and log in "
            "with `hf auth login`"
        )


def push(
    folder: Path,
    repo_id: str,
    *,
    repo_type: RepoType,
    message: str,
    owned: Collection[str],
    private: bool = False,
    revision: str | None = None,
    dry_run: bool = False,
) -> Pushed:
    """Makes the repository's branch hold the folder's files, by one commit or, if it does, none.

    The repository and the branch are made if missing. What the commit does not name stays as it
    is; so do the tags of the card on the Hub. Killed or failed at any point, the branch is as it
    was before, and the next try sends what is missing.

    Args:
        folder: only files to push, sub-folders allowed.
        repo_id: `user/name`, or a name alone for the user of the token.
        repo_type: model or dataset.
        message: first line of the commit.
        owned: names of files that are deleted from the branch if the folder lacks them.
        private: makes a new repository private; one that exists must be.
        revision: the branch; the default branch if None.
        dry_run: sends nothing, and asks nothing of the Hub.

    Raises:
        HubError: if the Hub refuses or cannot be reached; the text says what to do.
        ValueError: if the folder holds what must not be sent, or a name cannot be one.
    """
    files, repo = files_of(folder), Repo(repo_id, repo_type, revision)
    if repo.pinned:
        raise ValueError(f"revision '{revision}' is a commit; a push needs the name of a branch")
    sizes = {name: path.stat().st_size for name, path in files.items()}
    if dry_run:
        return Pushed(repo_id, repo_type, repo.url, None, sizes)
    require_token(repo)
    api = HfApi()
    with explained(repo):
        repo = _made(api, repo, private)
        additions = [CommitOperationAdd(name, path) for name, path in files.items()]
        # Each try looks again: a commit whose answer was lost is found, and not made twice.
        commit = patiently(partial(_commit, api, repo, additions, frozenset(owned), message))
    return Pushed(repo.id, repo_type, repo.url, commit, sizes)


def _made(api: HfApi, repo: Repo, private: bool) -> Repo:
    url = patiently(
        lambda: api.create_repo(
            repo.id, repo_type=repo.type, private=private or None, exist_ok=True
        )
    )
    repo = replace(repo, id=url.repo_id)
    main = replace(repo, revision=None)
    if private and not patiently(lambda: look(api, main, ())).private:
        raise HubError(
            f"the {repo} is public, and private was asked for: nothing was sent to it. Make it "
            f"private at {repo.url}/settings, or push to another"
        )
    if repo.revision is not None:
        _make_branch(api, repo, repo.revision)
    return repo


def _make_branch(api: HfApi, repo: Repo, branch: str) -> None:
    refs = patiently(lambda: api.list_repo_refs(repo.id, repo_type=repo.type))
    if any(tag.name == branch for tag in refs.tags):
        raise HubError(f"'{branch}' is a tag of the {repo}; a push needs the name of a branch")
    if all(known.name != branch for known in refs.branches):
        patiently(
            lambda: api.create_branch(repo.id, branch=branch, repo_type=repo.type, exist_ok=True)
        )


def _commit(
    api: HfApi,
    repo: Repo,
    additions: list[CommitOperationAdd],
    owned: frozenset[str],
    message: str,
) -> str:
    """Returns the commit that makes the branch hold the files, a new one if it does not yet."""
    names = {addition.path_in_repo for addition in additions}
    head = look(api, repo, names | owned)
    additions = [_with_published_tags(repo, head, addition) for addition in additions]
    deleted = [CommitOperationDelete(name) for name in sorted(head.files.keys() - names)]
    changed = [addition for addition in additions if not _is_there(head, addition)]
    if not changed and not deleted:
        return head.commit
    return api.create_commit(
        repo.id,
        [*changed, *deleted],
        commit_message=message,
        repo_type=repo.type,
        revision=repo.revision,
        parent_commit=head.commit,
    ).oid


def _is_there(head: Head, addition: CommitOperationAdd) -> bool:
    there = head.files.get(addition.path_in_repo)
    if there is None or there.size != addition.upload_info.size:
        return False
    with addition.as_file() as file:
        return there.matches(file)


def _with_published_tags(
    repo: Repo, head: Head, addition: CommitOperationAdd
) -> CommitOperationAdd:
    published = head.files.get(CARD)
    if addition.path_in_repo != CARD or published is None or published.size > LARGEST_CARD:
        return addition
    text = download(repo, head.commit, CARD, published).read_text(
        encoding="utf-8", errors="replace"
    )
    with addition.as_file() as file:
        card = file.read().decode()
    merged = with_tags_of(card, text)
    return addition if merged == card else CommitOperationAdd(CARD, merged.encode())
