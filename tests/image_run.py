"""Started by torchrun: trains on augmented, decoded and mixed images; processes note batches.

Usage: image_run.py FOLDER
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from augment_kit import MEAN, STD, Marking, Pictures
from decoded_kit import decoded
from hf_dynsel import Mixing, Pool, TrivialAugmentWide
from hf_dynsel.selectors import InfoBatch
from image_kit import Seeing
from trainer_kit import RecordingTrainer, arguments

TOGETHER = 6  # samples at a time, over all processes
WHOLE, SHORT = 36, 35  # rows: the last six of 35 are one short


def trainer(
    folder: Path, rows: int, processes: int, dataset: Any = Pictures, **given: Any
) -> RecordingTrainer:
    settings = {
        "per_device_train_batch_size": TOGETHER // processes,
        "gradient_accumulation_steps": 2,
        "learning_rate": 0.02,
        "lr_scheduler_type": "constant",
        "max_grad_norm": 0.0,
    }
    return RecordingTrainer(
        model=Seeing(),
        args=arguments(folder, **settings),
        train_dataset=dataset(rows),
        pool=Pool(rows),
        **given,
    )


CASES: dict[str, dict[str, Any]] = {
    "augmented": {"selector": Marking, "augment": TrivialAugmentWide(MEAN, STD)},
    "on_device": {"selector": Marking, "augment": TrivialAugmentWide(MEAN, STD, on_device=True)},
    "decoded": {"selector": Marking, "augment": TrivialAugmentWide(on_device=True)},
    "mixed": {"selector": InfoBatch, "mixing": Mixing(3, mixup_alpha=0.8)},
}


def run(name: str, folder: Path, processes: int) -> RecordingTrainer:
    given = dict(CASES[name])
    if name == "decoded":  # all processes ask for it at once
        given["dataset"] = partial(decoded, folder / "images")
    rows = SHORT if "mixing" in given else WHOLE
    trained = trainer(folder / name, rows, processes, selector=given.pop("selector")(), **given)
    trained.train()
    return trained


if __name__ == "__main__":
    from accelerate import PartialState

    state, folder = PartialState(cpu=True), Path(sys.argv[1])
    for name in CASES:
        trained = run(name, folder, state.num_processes)
        notes = {"trained": trained.trained, "weight": trained.model.linear.weight.tolist()}
        (folder / f"{name}-{state.process_index}.json").write_text(json.dumps(notes))
