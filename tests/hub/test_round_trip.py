"""What is pushed is what is pulled, byte for byte."""

import pytest

from hf_dynsel.hub import pull, push
from hub_kit import write

FILES = {
    "README.md": b"---\ntags:\n- hf-dynsel\n---\n# A card\n",
    "config.json": b'{"width": 8}\r\n',
    "empty.json": b"",
    "figures/loss.png": bytes(range(256)),
    "model.safetensors": b"\0\xff" * 5000,
    "n\u00e4me \u2603.json": '{"\u00fc": 1}'.encode(),
}
LIMITS = {name: len(data) for name, data in FILES.items()}


@pytest.mark.parametrize("repo_type", ["model", "dataset"])
@pytest.mark.parametrize("revision", [None, "v2", "try/1"])
def test_every_file_comes_back_bit_equal(hub, tmp_path, repo_type, revision):
    folder = write(tmp_path / "up", FILES)
    pushed = push(folder, "alice/r", repo_type=repo_type, message="m", owned=(), revision=revision)
    pulled = pull("alice/r", LIMITS, repo_type=repo_type, revision=revision)
    assert pulled.source == f"alice/r@{pushed.commit}"
    assert {name: (pulled.folder / name).read_bytes() for name in FILES} == FILES


def test_a_large_file_in_parts_comes_back_bit_equal(hub, tmp_path):
    hub.part_bytes = 999
    folder = write(tmp_path / "up", FILES)
    push(folder, "alice/r", repo_type="model", message="m", owned=())
    pulled = pull("alice/r", {"model.safetensors": 10_000}, repo_type="model")
    assert (pulled.folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert sum(line.startswith("PUT /storage/") for line in hub.requests) == 11 + 1  # and the png
