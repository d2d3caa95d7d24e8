"""A checkpoint that is not complete is told from one that is, and the one before it is used."""

import json
import logging
import shutil

import pytest
import torch
from safetensors.torch import save_file

from conftest import LossDriven
from hf_dynsel.resume import faults, last_complete, require_complete
from trainer_kit import build

FILES = (
    "model.safetensors",
    "optimizer.pt",
    "rng_state.pth",
    "scheduler.pt",
    "selection.json",
    "selection.safetensors",
    "trainer_state.json",
    "training_args.bin",
)
NOT_READ_AGAIN = "training_args.bin"  # a resumed run brings its own


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run with the checkpoints 2, 4, 6 and 8."""
    folder = tmp_path_factory.mktemp("run")
    build(folder, LossDriven(), save_strategy="steps", save_steps=2, num_train_epochs=2).train()
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def cut(path, length):
    path.write_bytes(path.read_bytes()[:length])


def test_a_checkpoint_of_the_trainer_is_complete(run):
    assert faults(run / "checkpoint-4") == []
    assert sorted(path.name for path in (run / "checkpoint-4").iterdir()) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_found_cut_wherever_it_ends(name, run):
    path = run / "checkpoint-4" / name
    content = path.read_bytes()
    last = len(content) - 2 if path.suffix == ".json" else len(content) - 1  # a line feed may go
    lengths = {0, 1, 3, 4, 7, 8, 9, 100, last - 1, last, *range(0, last, 1 + last // 40)}
    for length in sorted(length for length in lengths if length <= last):
        path.write_bytes(content[:length])
        (fault,) = faults(path.parent)
        assert fault.startswith(f"its {name} is damaged ("), length


@pytest.mark.parametrize("name", sorted(set(FILES) - {NOT_READ_AGAIN}))
def test_every_file_is_found_gone(name, run):
    (run / "checkpoint-4" / name).unlink()
    (fault,) = faults(run / "checkpoint-4")
    names = {"model.safetensors": "weights", "optimizer.pt": "optimizer state"}
    assert fault.startswith(f"it holds no {names.get(name, name)}")


def test_a_half_deleted_checkpoint_is_incomplete_whatever_went_first(run):
    for name in sorted(set(FILES) - {NOT_READ_AGAIN}):
        (run / "checkpoint-4" / name).unlink()
        assert faults(run / "checkpoint-4") != []
    shutil.rmtree(run / "checkpoint-4")
    assert faults(run / "checkpoint-4") == ["it does not exist"]


@pytest.mark.parametrize("text", ["[]", "{}", '{"global_step": null}', '{"global_step": "two"}'])
def test_a_trainer_state_without_a_step_is_damaged(text, run):
    (run / "checkpoint-4" / "trainer_state.json").write_text(text)
    (fault,) = faults(run / "checkpoint-4")
    assert fault.startswith("its trainer_state.json is damaged (")


def test_every_process_has_left_its_random_state(run):
    folder = run / "checkpoint-4"
    meta = json.loads((folder / "selection.json").read_text())
    (folder / "selection.json").write_text(json.dumps(meta | {"processes": 2}))
    (folder / "rng_state.pth").rename(folder / "rng_state_0.pth")
    assert faults(folder) == ["it holds no rng_state_1.pth"]
    shutil.copy(folder / "rng_state_0.pth", folder / "rng_state_1.pth")
    assert faults(folder) == []


def test_every_shard_of_the_weights_is_there(run):
    folder = run / "checkpoint-4"
    (folder / "model.safetensors").unlink()
    shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    for shard in shards:
        save_file({shard: torch.zeros(1)}, folder / shard)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {shard: shard for shard in shards}}))
    assert faults(folder) == []
    (folder / shards[1]).unlink()
    assert faults(folder) == [f"it holds no {shards[1]}"]
    cut(index, 20)
    assert "its model.safetensors.index.json is damaged" in faults(folder)[0]


WEIGHTS = {
    "adapter": "adapter_model.safetensors",
    "several adapters": "french/adapter_model.safetensors",
    "module of sentence-transformers": "0_StaticEmbedding/model.safetensors",
}


@pytest.mark.parametrize("name", WEIGHTS.values(), ids=WEIGHTS)
def test_weights_may_have_other_names_and_are_checked_there(name, run):
    folder = run / "checkpoint-4"
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / "model.safetensors").rename(folder / name)
    assert faults(folder) == []
    cut(folder / name, 100)
    assert f"its {name} is damaged" in faults(folder)[0]


def test_sharded_states_are_folders(run):
    folder = run / "checkpoint-4"
    for name, sharded in (
        ("model.safetensors", "pytorch_model_fsdp_0"),
        ("optimizer.pt", "optimizer_0"),
    ):
        (folder / name).unlink()
        assert faults(folder) != []
        (folder / sharded).mkdir()
        assert faults(folder) == []


def test_binary_files_that_torch_did_not_write_as_zip_are_left_alone(run):
    folder = run / "checkpoint-4"
    torch.save({"x": 1}, folder / "old.pt", _use_new_zipfile_serialization=False)
    (folder / "vocabulary.bin").write_bytes(b"words")
    assert faults(folder) == []


def test_the_newest_checkpoint_is_by_number_and_said_nothing_of(run, caplog):
    for name in ("checkpoint-4", "checkpoint-2"):
        (run / name).rename(run / name.replace("checkpoint-", "checkpoint-1"))
    (run / "checkpoint-20-old").mkdir()
    (run / "checkpoint-99").write_text("a file")
    assert last_complete(run) == run / "checkpoint-14"
    assert caplog.text == ""


def test_the_one_before_a_half_written_one_is_used_and_both_are_named(run, caplog):
    (run / "checkpoint-8" / "trainer_state.json").unlink()
    cut(run / "checkpoint-6" / "optimizer.pt", 300)
    assert last_complete(run) == run / "checkpoint-4"
    first, second = (record.getMessage() for record in caplog.records)
    assert first == (
        f"{run}/checkpoint-8 is not complete: it holds no trainer_state.json; "
        f"resuming from {run}/checkpoint-4"
    )
    assert f"{run}/checkpoint-6 is not complete: its optimizer.pt is damaged (cut short)" in second
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_damage_below_the_newest_complete_one_does_not_matter(run, caplog):
    shutil.rmtree(run / "checkpoint-4")
    cut(run / "checkpoint-6" / "model.safetensors", 9)
    assert last_complete(run) == run / "checkpoint-8"
    assert caplog.text == ""


@pytest.mark.parametrize("folder", ["empty", "absent"])
def test_a_run_without_checkpoints_has_none(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    assert last_complete(tmp_path / folder) is None


def test_a_run_killed_in_its_first_checkpoint_starts_anew_and_says_so(run, caplog):
    for step in (4, 6, 8):
        shutil.rmtree(run / f"checkpoint-{step}")
    (run / "checkpoint-2" / "trainer_state.json").unlink()
    assert last_complete(run) is None
    assert "checkpoint-2 is not complete: it holds no trainer_state.json" in caplog.text
    assert "no other is complete: starting anew" in caplog.text


def test_a_run_whose_checkpoints_were_all_damaged_does_not_start_over(run):
    for step in (2, 4, 6):
        shutil.rmtree(run / f"checkpoint-{step}/")
    shutil.copytree(run / "checkpoint-8", run / "checkpoint-10")
    (run / "checkpoint-8" / "selection.json").unlink()
    (run / "checkpoint-10" / "trainer_state.json").unlink()
    with pytest.raises(ValueError, match=f"no checkpoint in {run} can be resumed") as refused:
        last_complete(run)
    for wrong in ("checkpoint-8: it holds no selection.json", "checkpoint-10: it holds no trainer"):
        assert wrong in str(refused.value)


def test_a_named_checkpoint_is_refused_with_the_one_to_use(run):
    cut(run / "checkpoint-8" / "model.safetensors", 100)
    require_complete(run / "checkpoint-6")
    with pytest.raises(ValueError, match=f"its model.saf.* damaged.*; resume from {run}/.*-6"):
        require_complete(run / "checkpoint-8")
    shutil.rmtree(run / "checkpoint-4")
    with pytest.raises(ValueError, match=r"checkpoint-4 .*: it does not exist; resume from .*-6"):
        require_complete(run / "checkpoint-4")


def test_a_named_checkpoint_that_stands_alone_is_refused(run, tmp_path):
    (run / "checkpoint-8").rename(tmp_path / "alone")
    (tmp_path / "alone" / "scheduler.pt").unlink()
    with pytest.raises(ValueError, match=r"no scheduler.pt; no other in .* is complete"):
        require_complete(tmp_path / "alone")
