"""One of the processes whose scoring is measured: `python -m hf_dynsel.bench.scoring_process`.

Usage: scoring_process FOLDER ROWS BATCH_SIZE SAE_EPOCHS
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from datasets import Array2D, ClassLabel, Dataset, Features
from safetensors.torch import save_file

from hf_dynsel import yaml_files
from hf_dynsel.bench.images import CLASSES, SIDE, class_names, network
from hf_dynsel.bench.target import seconds
from hf_dynsel.distributed import only_main
from hf_dynsel.ledger import Ledger
from hf_dynsel.recipe import Recipe, load
from hf_dynsel.stages import Scored, score

ARCHITECTURE, BATCHES_PER_SHARD, SAE_BATCHES = "small_resnet18", 2, 32


def measure(folder: Path, rows: int, batch_size: int, epochs: int) -> None:
    """Scores made-up images, and has the main process write what it took and what came out."""
    torch.set_num_threads(1)
    state, data = PartialState(cpu=True), _images(rows)
    only_main(lambda: _prepare(folder, batch_size, epochs))
    recipe, ledger = load(folder / "recipe.yaml"), Ledger()
    found: list[Scored] = []

    def work() -> None:
        found.append(score(recipe, data, ledger))
        state.wait_for_everyone()

    _warm(recipe, folder, batch_size)
    taken = seconds(work)
    columns = {name: np.asarray(values) for name, values in found[0].pool().scores.items()}
    digest = hashlib.sha256(b"".join(columns[name].tobytes() for name in sorted(columns)))
    result = {"seconds": taken, "stages": dict(ledger.seconds), "scores": digest.hexdigest()}
    only_main(lambda: (folder / "result.json").write_text(json.dumps(result)))


def _images(rows: int) -> Dataset:
    rng = np.random.default_rng(0)
    kinds = Features({"image": Array2D((SIDE, SIDE), "uint8"), "label": _classes()})
    images = rng.integers(0, 256, (rows, SIDE, SIDE), np.uint8)
    return Dataset.from_dict({"image": images, "label": rng.integers(0, CLASSES, rows)}, kinds)


def _classes() -> ClassLabel:
    return ClassLabel(names=class_names())


def _prepare(folder: Path, batch_size: int, epochs: int) -> None:
    """Writes the recipe, and the weights of its encoder."""
    weights = folder / "encoder.safetensors"
    save_file(network(ARCHITECTURE).state_dict(), weights)
    encoder = {"backbone": "TimmImage", "architecture": ARCHITECTURE, "weights": str(weights)}
    sizes = {"batch_size": batch_size, "shard_size": BATCHES_PER_SHARD * batch_size}
    recipe = {
        "name": "scoring",
        "dataset": {"loader": "digits"},  # replaced by the images
        "features": encoder | sizes,
        "sae": {"expansion": 8, "k": 32, "epochs": epochs, "batch_size": SAE_BATCHES * batch_size},
        "scores": {"Representativeness": {}, "Diversity": {}},
        "model": {"architecture": ARCHITECTURE},
        "selector": {"name": "RepDiv", "keep": 0.3},
        "trainer": {"num_train_epochs": 1},
    }
    yaml_files.write(recipe, folder / "recipe.yaml")


def _warm(recipe: Recipe, folder: Path, batch_size: int) -> None:
    """Scores a few rows, so that nothing is measured that only a first call pays."""
    cache = os.environ["HF_DYNSEL_CACHE"]
    os.environ["HF_DYNSEL_CACHE"] = str(folder / "warm")
    score(recipe, _images(2 * batch_size), Ledger())
    os.environ["HF_DYNSEL_CACHE"] = cache


if __name__ == "__main__":
    measure(Path(sys.argv[1]), *map(int, sys.argv[2:]))
