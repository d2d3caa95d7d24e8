"""Moves files to and from repositories of the Hugging Face Hub; knows nothing of what they hold."""

from hf_dynsel.hub.faults import HubError as HubError
from hf_dynsel.hub.pull import Pulled as Pulled
from hf_dynsel.hub.pull import pull as pull
from hf_dynsel.hub.push import Pushed as Pushed
from hf_dynsel.hub.push import push as push

__all__ = ["HubError", "Pulled", "Pushed", "pull", "push"]
