"""Started by torchrun: collects scores of one training; each process notes them.

Usage: collect_run.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState

if __name__ == "__main__":
    from collect_kit import columns, every_score, trainer_of
    from conftest import table
    from hf_dynsel.collect import CollectScores

    folder, state = Path(sys.argv[1]), PartialState(cpu=True)
    collect = CollectScores(every_score(), vectors=True)
    size = 4 // state.num_processes
    trainer = trainer_of(folder / "run", collect, per_device_train_batch_size=size, rows=28)
    # Batch statistics and random numbers are of one process alone.
    trainer.model.body[1] = trainer.model.body[3] = torch.nn.Identity()
    trainer.train()
    found = columns(collect.add_to(table(28), label="labels"))
    np.savez(folder / f"process-{state.process_index}.npz", **found)
