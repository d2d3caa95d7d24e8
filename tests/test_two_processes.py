"""Two processes with half the batch each do what one process does."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("distributed_run.py")


def run(folder, processes, batch_size):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}"]
    command = [sys.executable, *launch, f"--master_port={port}", str(SCRIPT)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(SCRIPT.parent)}
    subprocess.run(
        [*command, str(folder), str(batch_size)],
        env=environment,
        check=True,
        capture_output=True,
        timeout=300,
    )
    return json.loads((folder / "done.json").read_text())


@pytest.mark.slow
def test_two_processes_select_and_train_as_one(tmp_path):
    one = run(tmp_path / "one", processes=1, batch_size=4)
    two = run(tmp_path / "two", processes=2, batch_size=2)
    assert (one.pop("processes"), two.pop("processes")) == (1, 2)
    for name in ("steps", "samples_per_epoch", "usage", "rate"):
        assert one[name] == two[name]
    np.testing.assert_allclose(one["losses"], two["losses"], rtol=1e-5)
    np.testing.assert_allclose(one["weight"], two["weight"], rtol=1e-5)
