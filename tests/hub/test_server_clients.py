"""The libraries above the client work with the test Hub as they do with the real one."""

import io

import datasets
import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq

from hub_server import HubServer

CARD = b"""---
configs:
- config_name: default
  data_files:
  - split: train
    path: scores.parquet
---
"""


def test_load_dataset_reads_the_parquet_file_that_the_card_names(hub: HubServer):
    sink = io.BytesIO()
    pq.write_table(pa.table({"index": [0, 1], "score_el2n": [0.5, 0.25]}), sink)
    hub.add("alice/s", {"README.md": CARD, "scores.parquet": sink.getvalue()}, "dataset")
    loaded = datasets.load_dataset("alice/s", split="train")
    assert loaded.to_dict() == {"index": [0, 1], "score_el2n": [0.5, 0.25]}


def test_a_dataset_pushed_by_datasets_is_loaded(hub: HubServer):
    datasets.Dataset.from_dict({"x": [1, 2, 3]}).push_to_hub("alice/d", private=True)
    assert datasets.load_dataset("alice/d", split="train")["x"][:] == [1, 2, 3]
    assert hub.repo("alice/d", "dataset").private


def test_the_clients_own_upload_and_snapshot_agree(hub: HubServer, tmp_path):
    (tmp_path / "up" / "sub").mkdir(parents=True)
    (tmp_path / "up" / "sub" / "a.txt").write_text("a")
    huggingface_hub.create_repo("alice/m")
    huggingface_hub.upload_folder(repo_id="alice/m", folder_path=tmp_path / "up")
    huggingface_hub.create_tag("alice/m", tag="v1")
    folder = huggingface_hub.snapshot_download("alice/m", revision="v1", local_dir=tmp_path / "d")
    assert (tmp_path / "d" / "sub" / "a.txt").read_text() == "a"
    assert folder == str(tmp_path / "d")
    titles = [commit.title for commit in huggingface_hub.list_repo_commits("alice/m")]
    assert titles == ["Upload folder using huggingface_hub", "initial commit"]
    assert huggingface_hub.whoami()["name"] == "alice"


def test_a_large_file_goes_up_in_parts(hub: HubServer):
    hub.part_bytes = 1000
    huggingface_hub.create_repo("alice/m")
    data = bytes(range(256)) * 10
    huggingface_hub.upload_file(
        repo_id="alice/m", path_or_fileobj=data, path_in_repo="model.safetensors"
    )
    assert hub.repo("alice/m").at("main").files["model.safetensors"].data == data
    assert sum(line.startswith("PUT /storage/") for line in hub.requests) == 3
