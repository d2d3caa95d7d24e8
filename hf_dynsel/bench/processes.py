"""Scoring in two processes, against one; each has one thread."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from hf_dynsel.bench.target import Target, timed

SCRIPT = "hf_dynsel.bench.scoring_process"


def bench_processes(full: bool) -> Iterator[Target]:
    """Yields how much faster two processes score images than one, and whether with other results.

    From data in memory to scores read back from disk: features, autoencoder, codes and scores.
    """
    rows, batch_size, epochs, turns = (4096, 128, 30, 1) if full else (64, 8, 1, 1)
    sizes = (rows, batch_size, epochs)
    results: dict[int, dict[str, Any]] = {}
    two, one = (partial(_scoring_seconds, count, sizes, results) for count in (2, 1))
    found = timed(two, one, turns)
    details = {
        "rows": rows,
        "batch size": batch_size,
        "SAE epochs": epochs,
        "one process, s": found.theirs,
        "two processes, s": found.ours,
        "stages of one, s": results[1]["stages"],
        "stages of two, s": results[2]["stages"],
    }
    what = "scoring with two processes, times as fast as with one"
    yield Target(what, 1 / found.ratio, 1.7, at_least=True, details=details)
    differ = float(results[1]["scores"] != results[2]["scores"])
    yield Target("scores of two processes differ from those of one", differ, 0)


def _scoring_seconds(count: int, sizes: tuple[int, ...], results: dict[int, Any]) -> float:
    """Returns the seconds that so many processes took; what else they say goes to the results."""
    with tempfile.TemporaryDirectory() as folder:
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={count}"]
        arguments = [folder, *map(str, sizes)]
        own = {"HF_DYNSEL_CACHE": f"{folder}/cache", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, *launcher, "-m", SCRIPT, *arguments],
            env=os.environ | own,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{count} processes did not score:\n{done.stderr[-4000:]}")
        results[count] = json.loads(Path(folder, "result.json").read_text())
    seconds: float = results[count]["seconds"]
    return seconds
