"""Says who may see a repository, before anything is sent to it."""

from dataclasses import replace

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from hf_dynsel.hub.faults import explained
from hf_dynsel.hub.patience import patiently
from hf_dynsel.hub.push import require_token
from hf_dynsel.hub.remote import look
from hf_dynsel.hub.repo import Repo


def is_private(repo: Repo) -> bool | None:
    """Returns whether a repository is private, or None if there is none that you may see.

    Args:
        repo: one of the user of the token, if its id is a name alone.

    Raises:
        HubError: if the Hub refuses or cannot be reached.
    """
    require_token(repo)
    api = HfApi()
    with explained(repo):
        if "/" not in repo.id:
            user = patiently(lambda: api.whoami()["name"])
            repo = replace(repo, id=f"{user}/{repo.id}")
        main = replace(repo, revision=None)
        try:
            return patiently(lambda: look(api, main, ())).private
        except RepositoryNotFoundError:
            return None
