"""A small run folder, as `hf-dynsel run` leaves it, with private files beside the model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from hf_dynsel.core import Selection
from hf_dynsel.selection_log import SelectionLog

SIZE = 24
CHOSEN = [np.arange(8), np.arange(4, 24)]  # 28 of 2 x 24 samples; none is never used
PRIVATE = (
    "checkpoint-3/optimizer.pt",
    "figures/chosen_samples.png",
    "figures/examples_diversity.png",
    "log_history.json",
    "model/notes.txt",
    "model/training_args.bin",
    "report.html",
    "training_args.bin",
)
RECIPE = """\
name: short_texts
dataset: {loader: fortunes}
model: {text_encoder: /home/someone/all-MiniLM-L6-v2}
selector:
  name: DynamicRandom
  keep: 0.5
output_dir: /home/someone/outputs/
  run
seed: 0
"""
SUMMARY = {
    "recipe": "short_texts",
    "selector": "DynamicRandom",
    "keep": 0.5,
    "seed": 0,
    "epochs": 2,
    "eval": {"loss": 1.5, "accuracy": 0.625},
    "samples_per_epoch": [8, 20],
    "samples_trained": 28,
    "samples_forwarded": 28,
    "samples_swept": 0,
    "samples_full": 48,
    "optimizer_steps": 7,
    "seconds": {"select": 0.25, "train": 2.0, "eval": 0.5},
    "usage": {"never_used": 0.0, "gini": 0.1, "max": 2},
    "environment": {"cpus": 2, "cpu": "Xeon", "devices": [], "packages": {"torch": "2.15.0"}},
    "source": {
        "name": "Short texts",
        "hub_id": None,
        "license": "other",
        "redistribution": True,
        "task": "text-classification",
    },
}


def model(seed: int = 0) -> BertForSequenceClassification:
    config = BertConfig(
        vocab_size=8,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        num_labels=3,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return BertForSequenceClassification(config).eval()


def write_run(folder: Path, max_shard_size: str = "1GB", **changes: Any) -> Path:
    """Returns the folder, filled; `changes` replace keys of the summary."""
    (folder / "model").mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"]
    tokenizer = BertTokenizerFast(vocab={word: number for number, word in enumerate(words)})
    tokenizer.save_pretrained(folder / "model")
    model().save_pretrained(folder / "model", max_shard_size=max_shard_size)
    log = SelectionLog(folder)
    for epoch, indices in enumerate(CHOSEN):
        log.write(epoch, Selection(indices))
    log.join(len(CHOSEN))
    _write_scores(folder / "scores")
    for name in PRIVATE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a sample")
    (folder / "log_history.json").write_text("[]")
    (folder / "recipe.yaml").write_text(RECIPE)
    (folder / "summary.json").write_text(json.dumps(SUMMARY | changes))
    return folder


def _write_scores(folder: Path) -> None:
    folder.mkdir()
    columns = {"index": np.arange(SIZE), "label": np.arange(SIZE) % 3}
    scores = {"score_diversity": np.linspace(0, 1, SIZE, dtype=np.float32)}
    pq.write_table(pa.table(columns | scores), folder / "scores.parquet")
    notes = {"labels": ["label"], "scores": {"diversity": {"class": "Diversity"}}}
    (folder / "scores.json").write_text(json.dumps(notes))


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    """Draws no figures for tests that do not ask for them."""
    if "figures" not in request.fixturenames:
        monkeypatch.setattr("hf_dynsel.sharing.run_card.find_spec", lambda name: None)


@pytest.fixture
def figures():
    return ["figures/samples_per_epoch.png", "figures/usage.png"]
