"""Every launcher trains the same, and so does a model that is sharded over the processes.

On a machine without accelerators, `accelerate launch --cpu --num_processes 2` starts one process;
two need `--multi_gpu`, whatever the name, and `use_cpu=True` among the training arguments.
"""

import json

import numpy as np
import pytest

from fsdp_run import FORMS, RESUMED
from launch_run import train
from launching import TESTS, free_port, launch, once, torchrun

pytestmark = pytest.mark.slow

SCRIPT = str(TESTS / "launch_run.py")
NO_QUESTIONS = ("--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no")


def assert_same(found, expected, tolerance):
    for name in ("steps", "samples_per_epoch", "usage"):
        assert found[name] == expected[name]
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=tolerance)


def assert_trained_as_one(folder, alone):
    found = json.loads((folder / "done.json").read_text())
    assert (found["processes"], alone["processes"]) == (2, 1)
    assert found["rate"] == alone["rate"]
    assert_same(found, alone, 1e-5)
    np.testing.assert_allclose(found["weight"], alone["weight"], rtol=1e-5)


@pytest.fixture
def alone(tmp_path):
    train(str(tmp_path / "alone"))
    return json.loads((tmp_path / "alone" / "done.json").read_text())


def test_torchrun_trains_as_one_process(alone, tmp_path):
    torchrun(2, "launch_run.py", str(tmp_path))
    assert_trained_as_one(tmp_path, alone)


def test_accelerate_launch_trains_as_one_process(alone, tmp_path):
    command = ["-m", "accelerate.commands.accelerate_cli", "launch", "--multi_gpu"]
    two = ["--num_processes=2", f"--main_process_port={free_port()}", *NO_QUESTIONS]
    launch([*command, *two, SCRIPT, str(tmp_path)])
    assert_trained_as_one(tmp_path, alone)


def test_a_notebook_trains_as_one_process(alone, tmp_path):
    launch([SCRIPT, str(tmp_path), "notebook", free_port()])
    for launcher in ("notebook_launcher", "debug_launcher"):
        assert_trained_as_one(tmp_path / launcher, alone)


@pytest.fixture(scope="session")
def sharded(tmp_path_factory, worker_id):
    """What both processes noted of every way to hold a model."""
    folder = once("sharded", launch_fsdp, tmp_path_factory, worker_id)
    return [json.loads((folder / f"process-{process}.json").read_text()) for process in range(2)]


def launch_fsdp(folder):
    torchrun(2, "fsdp_run.py", str(folder))


RESUMES = [f"{form} after {step}" for form in FORMS for step in RESUMED]


@pytest.mark.parametrize("way", ["loaded", "loaded-saved", "sharded", *FORMS, *RESUMES])
def test_a_sharded_model_trains_as_a_replicated_one(way, sharded):
    """FSDP2 on gloo: by transformers while it loads the model, or by Accelerate afterwards."""
    for process in sharded:
        assert_half_is_held(process[way])
        assert_same_run(process[way], process["replicated"])


@pytest.mark.parametrize("way", ["loaded", "sharded"])
def test_a_batch_is_weighed_with_a_sharded_model_as_with_a_replicated_one(way, sharded):
    for process in sharded:
        assert_half_is_held(process[f"{way}-weighing"])
        assert_same_run(process[f"{way}-weighing"], process["replicated-weighing"])


def test_processes_agree_on_a_sharded_model_in_half_precision(sharded):
    one, two = (process["sharded-bf16"] for process in sharded)
    assert_same(one, two, 0)
    assert one["samples_per_epoch"] == sharded[0]["sharded"]["samples_per_epoch"]
    np.testing.assert_allclose(one["losses"], sharded[0]["sharded"]["losses"], atol=0.02)


def assert_half_is_held(note):
    assert 0.45 < note["share"] < 0.55


def assert_same_run(found, expected):
    assert expected["share"] == 1
    assert_same(found, expected, 1e-5)
    for own, other in zip(found["weights"], expected["weights"], strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-6)
    assert found["evaluated"][-1] == pytest.approx(expected["evaluated"][-1], rel=1e-5)
