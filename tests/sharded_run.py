"""Started by torchrun: each process chooses among its stretch of one pool's rows."""

import sys
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState

from hf_dynsel.distributed import total
from hf_dynsel.selectors.sharded import sharded_top


def pool():
    """Returns values with many ties, their classes and a quota for each."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 9, 1001).astype(np.float32), rng.integers(0, 3, 1001), [90, 0, 17]


if __name__ == "__main__":
    state = PartialState(cpu=True)
    values, labels, quotas = pool()
    own = np.array_split(np.arange(len(values)), state.num_processes)[state.process_index]
    chosen = sharded_top(
        values[own],
        np.array(quotas),
        lambda counts: total(torch.from_numpy(counts)).numpy(),
        process=state.process_index,
        processes=state.num_processes,
        labels=labels[own],
    )
    np.save(Path(sys.argv[1]) / f"{state.process_index}.npy", own[chosen])
    state.wait_for_everyone()
    state.destroy_process_group()  # else gloo's threads may outlive the interpreter, and abort it
