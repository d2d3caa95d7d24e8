"""The fixture `hub`: a test Hub of its own for each test, with the real client pointed at it.

In a test:
    def test_it(hub):                         # a HubServer; its docstring says how to plan faults
        hub.add("alice/sae", {"config.json": b"{}"})            # or kind="dataset", private=True
        ...                                   # huggingface_hub, datasets and our code use `hub`
        hub.repo("alice/sae").at("main").files["config.json"].data

The user is alice, who may write (`hub.tokens` has others; `log_in(monkeypatch, None)` for none).
Each test starts with an empty cache under tmp_path. No test waits: the pauses between tries are
noted in `hub.waits`, in seconds. A child process is pointed at the same Hub, with a cache of its
own, by `env=child_environment(hub, folder)`.

`huggingface_hub` and `datasets` read HF_ENDPOINT and HF_HUB_OFFLINE when they are imported, which
is before any test: so the fixture replaces what they read, and a child gets the variables.
HF_HUB_DISABLE_XET is needed because the client 2.4 uploads by hf_xet wherever that is installed,
without asking the server whether it has it.
"""

import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import datasets
import huggingface_hub
import pytest
from huggingface_hub import constants, file_download, hf_api
from huggingface_hub.utils import _http, disable_progress_bars

from hub_server import HubServer

TOKEN = "hf_alice"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A Hub in memory, with the client of this process pointed at it."""
    # The client 2.4 uploads a large file by the argument `data`, which httpx2 asks to be `content`.
    warnings.filterwarnings("ignore", "Use 'content=<...>' to upload", DeprecationWarning)
    with HubServer() as server:
        _point_at(server, monkeypatch, tmp_path / "hf_home")
        _wait_not(server, monkeypatch)
        log_in(monkeypatch, TOKEN)
        yield server
        huggingface_hub.close_session()


def _point_at(server: HubServer, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    disable_progress_bars()
    changes = {
        "ENDPOINT": server.endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": server.endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_TOKEN_PATH": str(home / "token"),
    }
    for name, value in changes.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setattr(hf_api.api, "endpoint", server.endpoint)
    for name, value in {
        "HF_ENDPOINT": server.endpoint,
        "HF_HUB_OFFLINE": False,
        "HF_DATASETS_CACHE": home / "datasets",
        "HF_UPDATE_DOWNLOAD_COUNTS": False,
    }.items():
        monkeypatch.setattr(datasets.config, name, value)
    huggingface_hub.close_session()


def _wait_not(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(**{**vars(time), "sleep": server.waits.append})
    for module in (_http, file_download):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr("hf_dynsel.hub.patience.sleep", server.waits.append)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """Writes files into a folder, which is made if missing."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def log_in(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    """Gives the client of this process another token, or none."""
    if token is None:
        monkeypatch.delenv("HF_TOKEN", raising=False)
    else:
        monkeypatch.setenv("HF_TOKEN", token)


def go_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets what HF_HUB_OFFLINE=1 sets."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def child_environment(server: HubServer, home: Path, token: str = TOKEN) -> dict[str, str]:
    """Returns the variables that point another process at the Hub, with an empty cache."""
    return {
        **os.environ,
        "HF_ENDPOINT": server.endpoint,
        "HF_HOME": str(home),
        "HF_TOKEN": token,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
