"""A short weighted run, started by torchrun with any number of processes; writes what it did."""

import json
import sys
from pathlib import Path

from conftest import LossDriven
from trainer_kit import build

if __name__ == "__main__":
    folder, batch_size = Path(sys.argv[1]), int(sys.argv[2])
    trainer = build(
        folder,
        LossDriven(),
        rows=30,
        per_device_train_batch_size=batch_size,
        gradient_accumulation_steps=2,
        lr_scheduler_type="linear",
        save_strategy="epoch",
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
        (folder / "done.json").write_text(json.dumps(done))
