"""Where runs go that run at once: a device each, or a share of the processor's threads."""

import os
from collections.abc import Sequence

import torch


def visible_devices() -> list[str]:
    """Returns the CUDA devices this process may use, as CUDA_VISIBLE_DEVICES names them."""
    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return (named.split(",") if named else [str(i) for i in range(count)])[:count]


def places(jobs: int | None, devices: Sequence[str], threads: int) -> list[dict[str, str]]:
    """Returns what the environment of each of the processes gets that run at once.

    Args:
        jobs: how many; by default one per device, or one.
        devices: to share, in turns.
        threads: of the processor, to share where there is no device.

    Raises:
        ValueError: if `jobs` is not positive.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}: it is how many runs go on at once")
    jobs = jobs or max(1, len(devices))
    if devices:
        return [{"CUDA_VISIBLE_DEVICES": devices[i % len(devices)]} for i in range(jobs)]
    return [{"OMP_NUM_THREADS": str(max(1, threads // jobs))}] * jobs
