"""Names one repository of the Hub, checked before anything is asked."""

import re
from dataclasses import dataclass
from typing import Literal

from huggingface_hub import constants
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

RepoType = Literal["model", "dataset"]
COMMIT = re.compile(r"[0-9a-f]{40}")
BRANCH = re.compile(r"(?!/|.*(?:\.\.|//|@\{|/$|\.lock$|\.$))[^\s~^:?*\[\\\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class Repo:
    """One repository, and the revision of it that is meant.

    Raises:
        ValueError: if the id or the revision cannot be that of any repository.
    """

    id: str
    type: RepoType
    revision: str | None = None

    def __post_init__(self) -> None:
        try:
            validate_repo_id(self.id)
        except HFValidationError as invalid:
            raise ValueError(
                f"'{self.id}' cannot be the id of a repository on the Hub: {invalid}. "
                "Write it as user/name, of letters, digits, '-', '_' and '.'"
            ) from invalid
        if self.revision is not None and not BRANCH.fullmatch(self.revision):
            raise ValueError(
                f"revision {self.revision!r} of '{self.id}' cannot be the name of a branch, tag "
                "or commit; write for instance main, v1.0 or the 40 digits of a commit"
            )

    @property
    def pinned(self) -> bool:
        """Whether the revision is a full commit id, which cannot change its content."""
        return self.revision is not None and COMMIT.fullmatch(self.revision) is not None

    @property
    def url(self) -> str:
        """Where a browser finds the repository."""
        folder = "datasets/" if self.type == "dataset" else ""
        return f"{constants.ENDPOINT}/{folder}{self.id}"

    def __str__(self) -> str:
        return f"{self.type} '{self.id}'"
