"""How long the library takes to import, in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from hf_dynsel.bench.target import Target

ALONE = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
SIMULATOR = "import sys, hf_dynsel.simulate, hf_dynsel.selectors; print('torch' in sys.modules)"


def bench_imports(full: bool) -> Iterator[Target]:
    """Yields the seconds of importing the library, and whether its simulator imports Torch."""
    turns = 11 if full else 2
    ours = median(float(_printed(ALONE.format("hf_dynsel"))) for _ in range(turns))
    numpy = median(float(_printed(ALONE.format("numpy"))) for _ in range(turns))
    details = {"numpy alone, s": numpy}
    yield Target("seconds of importing hf_dynsel", ours, 0.3, details=details)
    yield Target("simulator imports Torch", float(_printed(SIMULATOR) == "True"), 0)


def _printed(code: str) -> str:
    """Returns what a line of code prints in a new interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()
