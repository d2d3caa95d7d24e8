import json
import shutil

import numpy as np
import pytest
import torch

from hf_dynsel.checkpoint import batches_done, check_same_run, clear, load, save
from hf_dynsel.steps import StepCounter


def state():
    return {
        "epoch": 3,
        "selector": {
            "usage": np.array([1, 0, 2**31 - 1], np.int32),
            "gains.mean": np.array([[0.1, 1e-300]]),
            "seen": np.array([True, False]),
        },
        "sampler": {"usage": np.arange(3), "previous": np.empty(0, np.int64)},
        "pending": {
            "indices": torch.tensor([5, 2**53 + 1]),
            "loss": torch.tensor([0.1, 2.5]),
            "features": torch.randn(4, 2, generator=torch.Generator().manual_seed(0)).bfloat16().T,
        },
    }


META = {"batches": 7, "ledger": {"seconds": {"train": 0.1}}, "run": {"selector": "RepDiv"}}


def assert_same(found, expected):
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert (found == expected).all()


def test_a_checkpoint_is_read_back_bit_for_bit(tmp_path):
    save(tmp_path / "checkpoint-9", state(), META)
    found, meta = load(tmp_path / "checkpoint-9")
    assert meta == META
    assert found.pop("epoch") == 3
    for part, arrays in found.items():
        assert arrays.keys() == state()[part].keys()
        for name, array in arrays.items():
            assert_same(array, state()[part][name])


def test_state_is_numpy_and_pending_feedback_torch(tmp_path):
    save(tmp_path, state(), META)
    found, _ = load(tmp_path)
    assert all(isinstance(a, np.ndarray) for a in found["selector"].values())
    assert all(isinstance(t, torch.Tensor) for t in found["pending"].values())


def test_parts_may_be_empty(tmp_path):
    empty = {"epoch": 0, "selector": {}, "sampler": {}, "pending": {}}
    save(tmp_path, empty, {})
    assert load(tmp_path) == (empty, {})


def test_saving_again_replaces_what_was_there(tmp_path):
    save(tmp_path, state(), META)
    save(tmp_path, state() | {"epoch": 4, "pending": {}}, META)
    found, _ = load(tmp_path)
    assert (found["epoch"], found["pending"]) == (4, {})
    assert {path.name for path in tmp_path.iterdir()} == {
        "selection.json",
        "selection.safetensors",
    }


def test_the_json_file_stands_only_where_the_tensors_are_complete(tmp_path, monkeypatch):
    def full_disk(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr("hf_dynsel.checkpoint.save_file", full_disk)
    with pytest.raises(OSError, match="no space left"):
        save(tmp_path, state(), META)
    with pytest.raises(ValueError, match="or not to the end"):
        load(tmp_path)


def test_a_folder_without_a_selection_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path} holds no selection.json.*Resume from a"):
        load(tmp_path)


DAMAGES = {
    "tensors cut": lambda f: cut(f / "selection.safetensors", -8),
    "tensors empty": lambda f: cut(f / "selection.safetensors", 0),
    "tensors gone": lambda f: (f / "selection.safetensors").unlink(),
    "json cut": lambda f: cut(f / "selection.json", -10),
    "json empty": lambda f: cut(f / "selection.json", 0),
    "json without epoch": lambda f: (f / "selection.json").write_text("{}"),
}


def cut(path, end):
    path.write_bytes(path.read_bytes()[:end])


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_refused_by_name(damage, tmp_path):
    save(tmp_path, state(), META)
    damage(tmp_path)
    with pytest.raises(ValueError, match=f"{tmp_path} is damaged .*resume from an earlier"):
        load(tmp_path)


def test_the_same_run_passes_though_json_turned_tuples_into_lists():
    here = {"selector.bins": (1, 2), "epochs": 4.0, "selector.alpha": None}
    check_same_run(json.loads(json.dumps(here)), here)


@pytest.mark.parametrize(
    ("name", "noted", "here"),
    [
        ("selector.keep", 0.5, 0.6),
        ("selector", "RepDiv", "StaticRandom"),
        ("selector.bins", [1, 2], (1, 3)),
        ("selector.alpha", None, 0.2),
    ],
)
def test_another_run_is_refused_and_both_values_are_named(name, noted, here):
    shown = json.loads(json.dumps(here))
    with pytest.raises(ValueError) as refused:
        check_same_run({name: noted, "epochs": 4}, {"epochs": 4, name: here})
    assert f"written with {name} = {noted!r}, but this run has {shown!r}" in str(refused.value)


def test_a_value_that_the_checkpoint_lacks_is_another_one():
    with pytest.raises(ValueError, match="selector.refine = None, but this run has 0.15"):
        check_same_run({"epochs": 4}, {"selector.refine": 0.15})


def test_an_older_checkpoint_is_cleared_and_is_not_complete_even_half_way(tmp_path, monkeypatch):
    old = tmp_path / "checkpoint-9"
    save(old, state(), META)
    (old / "trainer_state.json").write_text('{"global_step": 9}')
    (old / ".tmpKg3x").write_text("what a killed process leaves")
    seen = []
    monkeypatch.setattr(shutil, "rmtree", lambda folder, **_: seen.extend(folder.iterdir()))
    clear(old)
    assert old / "trainer_state.json" not in seen
    monkeypatch.undo()
    clear(old)
    clear(old)
    assert not old.exists()


SPLITS = [(32, 1, 1), (4, 2, 4), (4, 8, 1), (16, 1, 2)]


@pytest.mark.parametrize(("batch_size", "processes", "accumulation"), SPLITS)
def test_steps_done_become_batches_of_any_split(batch_size, processes, accumulation):
    counter = StepCounter(batch_size, processes, accumulation)
    assert batches_done({"updates": 3, "global_batch": 32}, counter) == 3 * accumulation


def test_another_global_batch_is_refused_and_both_are_named():
    with pytest.raises(ValueError, match=r"with 32 samples per .* this run has 24: .*size 4 x 2 "):
        batches_done({"updates": 3, "global_batch": 32}, StepCounter(4, 2, 3))


def test_another_split_of_what_drop_last_leaves_out_is_refused():
    meta = {"updates": 3, "global_batch": 32, "together": 32}
    assert batches_done(meta, StepCounter(4, 4, 2)) == 6
    with pytest.raises(ValueError, match="32 samples per micro-batch .* but this run has 16"):
        batches_done(meta, StepCounter(4, 4, 2, drop_last=True))
