"""Starts scripts in several processes on this machine, for the tests of distributed training."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

TESTS = Path(__file__).parent


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def launch(command: Sequence[str], timeout: int = 300) -> str:
    """Runs a command to its end and returns what it printed; fails with that if it failed."""
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
        "GLOO_SOCKET_IFNAME": "lo",
        # Virtual machines may show AMX, the next set of instructions, and not let it be used.
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16",
    }
    done = subprocess.run(
        [sys.executable, *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


def torchrun(processes: int, script: str, *arguments: str, timeout: int = 300) -> str:
    """Runs a script of this folder as so many processes of one gloo group."""
    launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}"]
    command = [*launcher, f"--master_port={free_port()}", str(TESTS / script), *arguments]
    return launch(command, timeout)


def once(name: str, make: Callable[[Path], None], tmp_path_factory: Any, worker_id: str) -> Path:
    """Returns a folder that `make` filled, once for all workers of a parallel test run."""
    base = tmp_path_factory.getbasetemp()
    folder: Path = (base if worker_id == "master" else base.parent) / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            make(folder)
    return folder
