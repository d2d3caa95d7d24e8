"""Started by torchrun: trains an autoencoder with dead units, and scores digits.

Usage: scoring_run.py FOLDER [STAGE]

At the stage, the last process is killed: "features", "sae" or "scores".
"""

import os
import signal
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
from accelerate import PartialState

from hf_dynsel import encoding, features, stages
from hf_dynsel.recipe import load
from hf_dynsel.run import score_only
from hf_dynsel.sae import batches, model, revival, train, train_sae

RECIPE = Path(__file__).parents[1] / "recipes" / "quickstart_digits.yaml"
OVERRIDES = (
    "features.shard_size=200",
    "sae={expansion: 8, k: 2, epochs: 4, batch_size: 1437}",
    "scores={Representativeness: {normalize: class_rank}, Diversity: {}, Density: {}}",
    "scores.ClassSpread={}",
)


def dead_units(state: PartialState) -> None:
    """Trains on rows that are read batch by batch, with a check for dead units every other step."""
    deads, loss = [], revival.Revival.loss

    def noted(self, sae, inputs, pre_activations, dead, *rest):
        deads.append(len(dead))
        return loss(self, sae, inputs, pre_activations, dead, *rest)

    rng = np.random.default_rng(0)
    few = rng.standard_normal((12, 8))[rng.integers(0, 12, 1500)]
    features = (few + 0.1 * rng.standard_normal((1500, 8))).astype(np.float32)
    settings = {"expansion": 32, "k": 1, "epochs": 6, "batch_size": 750, "progress": False}
    with (
        patch.object(train, "MIN_WINDOW", 2),
        patch.object(batches, "RESIDENT_BYTES", 0),
        patch.object(revival.Revival, "loss", noted),
    ):
        sae = train_sae(features, **settings, revive_weight=1.0, together=True)
    assert max(deads) > 20, "no unit is dead, so reviving is not tested"
    sae.save_pretrained(Path(sys.argv[1]) / f"dead-{state.process_index}")


def kill_at(stage: str) -> None:
    """Has the last process killed where the others wait for it, or work on."""

    def stop(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

    module, name = {
        "features": (features.extract.__globals__, "encode_shards"),
        "sae": (encoding.__dict__, "train_sae"),
        "scores": (stages.__dict__, "score_together"),
    }[stage]
    module[name] = stop


if __name__ == "__main__":
    state = PartialState(cpu=True)
    model.CACHED = 2**15  # so that a batch has many pieces
    os.environ["HF_DYNSEL_CACHE"] = str(Path(sys.argv[1]) / "cache")
    if sys.argv[2:]:
        if state.process_index == state.num_processes - 1:
            kill_at(sys.argv[2])
    else:
        dead_units(state)
    score_only(load(RECIPE, [*OVERRIDES, f"output_dir={sys.argv[1]}/run"]))
