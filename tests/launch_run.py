"""A user's training script: started by a launcher, or itself the notebook that starts processes.

Usage: launch_run.py FOLDER [notebook PORT]
"""

import json
import os
import sys
from pathlib import Path

from accelerate import debug_launcher, notebook_launcher

from conftest import LossDriven
from trainer_kit import build


def train(folder: str) -> None:
    """Trains with four samples at a time over all processes, two such batches per step."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    trainer = build(
        Path(folder),
        LossDriven(),
        rows=30,
        per_device_train_batch_size=4 // processes,
        gradient_accumulation_steps=2,
        lr_scheduler_type="linear",
    )
    trainer.train()
    if trainer.is_world_process_zero():
        done = {
            "processes": trainer.accelerator.num_processes,
            "steps": trainer.state.global_step,
            "samples_per_epoch": trainer.ledger.samples_per_epoch,
            "usage": trainer.sampler.usage.tolist(),
            "losses": trainer.selector.losses.tolist(),
            "weight": trainer.model.linear.weight.tolist(),
            "rate": trainer.lr_scheduler.get_last_lr(),
        }
        Path(folder, "done.json").write_text(json.dumps(done))


if __name__ == "__main__":
    folder, *notebook = sys.argv[1:]
    if notebook:
        own = (f"{folder}/notebook_launcher",)
        notebook_launcher(train, own, num_processes=2, use_port=notebook[1])
        debug_launcher(train, (f"{folder}/debug_launcher",), num_processes=2)
    else:
        train(folder)
