"""Run folders as a training run writes them, from a small simulation of RepDiv."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

KEEP, PENALTY = 0.3, 0.2
ENVIRONMENT = {"gpu": "none", "cpu": "2 cores", "versions": {"torch": "2.15.0", "numpy": "2.4.6"}}
RECIPE = "name: demo\nseed: 0\nselector:\n  class: RepDiv\n  keep: 0.3\n"
SCHEMA = pa.schema(
    [
        ("epoch", pa.int32()),
        ("index", pa.int64()),
        ("weight", pa.float32()),
        ("augment", pa.bool_()),
    ]
)


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Path]:
    """Returns a function that fills a folder with the files of a run."""
    return write_run


def write_run(
    folder: Path, *, size: int = 300, epochs: int = 8, classes: int = 4, **changes: Any
) -> Path:
    """Fills a folder with the files of a run; `changes` replace keys of the summary."""
    rng = np.random.default_rng(size)
    scores = {name: _unit(rng.gamma(4, size=size)) for name in ("representativeness", "diversity")}
    alphas = 0.2 + 0.8 / (1 + np.exp(10 * ((np.arange(epochs) + 1) / epochs - 0.6)))
    chosen = list(_select(scores, alphas, epochs))
    sizes = [len(indices) for indices in chosen]
    counts = np.bincount(np.concatenate(chosen), minlength=size)
    folder.mkdir(parents=True, exist_ok=True)
    _write_selections(folder / "selections.parquet", chosen)
    (folder / "scores").mkdir(exist_ok=True)
    columns = {f"score_{name}": values.astype(np.float32) for name, values in scores.items()}
    labels = rng.permutation(np.arange(size) % classes)
    pq.write_table(
        pa.table({"index": np.arange(size), "label": labels, **columns}),
        folder / "scores" / "scores.parquet",
    )
    origin = {"class": "Representativeness", "config": {"units": 64}}
    notes = {"num_rows": size, "labels": ["label"], "scores": {"representativeness": origin}}
    _write_json(folder / "scores" / "scores.json", notes)
    _write_json(folder / "log_history.json", _history(alphas, sizes))
    (folder / "recipe.yaml").write_text(RECIPE)
    _write_json(folder / "summary.json", {**_summary(sizes, counts), **changes})
    return folder


def _unit(values: np.ndarray) -> np.ndarray:
    return (values - values.min()) / np.ptp(values)


def _select(scores: dict[str, np.ndarray], alphas: np.ndarray, epochs: int):  # noqa: ANN202
    first, second = scores.values()
    used = np.zeros(len(first))
    for epoch, alpha in enumerate(alphas):
        value = alpha * first + (1 - alpha) * second - PENALTY * np.log1p(used)
        best = np.argsort(-value, kind="stable")[: int(KEEP * len(first))]
        indices = best if epoch < epochs - max(1, round(0.15 * epochs)) else np.arange(len(first))
        used[indices] += 1
        yield indices


def _write_selections(path: Path, chosen: list[np.ndarray]) -> None:
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for epoch, indices in enumerate(chosen):
            columns = [np.full(len(indices), epoch), indices, np.ones(len(indices))]
            arrays = [*columns, np.zeros(len(indices), bool)]
            typed = [pa.array(c, type=f.type) for c, f in zip(arrays, SCHEMA, strict=True)]
            writer.write_table(pa.Table.from_arrays(typed, schema=SCHEMA))


def _history(alphas: np.ndarray, sizes: list[int]) -> list[dict[str, float]]:
    entries: list[dict[str, float]] = []
    epochs = len(sizes)
    for epoch, alpha in enumerate(alphas):
        entries.append(
            {
                "epoch": epoch,
                "selection/epoch": epoch,
                "selection/size": sizes[epoch],
                "selection/alpha": alpha,
                "selection/never_used": 0.1,
                "selection/class_share/0": 0.25,
            }
        )
        for part in (0.5, 1.0):
            time = epoch + part
            rate = 0.1 * (1 + np.cos(np.pi * time / epochs)) / 2
            entries.append({"epoch": time, "loss": 2 * 0.9**time + 0.1, "learning_rate": rate})
        accuracy = 0.92 - 0.6 * 0.8 ** (epoch + 1)
        entries.append(
            {
                "epoch": epoch + 1.0,
                "eval_loss": 2.1 * 0.9 ** (epoch + 1) + 0.15,
                "eval_accuracy": accuracy,
                "eval_f1": accuracy - 0.02,
                "eval_runtime": 1.5,
            }
        )
    return [{k: float(v) for k, v in entry.items()} for entry in entries]


def _summary(sizes: list[int], counts: np.ndarray) -> dict[str, Any]:
    size, epochs = len(counts), len(sizes)
    ascending = np.sort(counts)
    gini = 2 * (np.arange(1, size + 1) @ ascending) / (size * counts.sum()) - (size + 1) / size
    return {
        "recipe": "fashion-mnist-repdiv",
        "selector": "RepDiv",
        "keep": KEEP,
        "seed": 0,
        "epochs": epochs,
        "eval": {"eval_accuracy": 0.9137, "eval_f1": 0.9021, "eval_loss": 0.2871},
        "samples_per_epoch": sizes,
        "samples_trained": sum(sizes),
        "samples_forwarded": sum(sizes),
        "samples_swept": 0,
        "samples_full": size * epochs,
        "optimizer_steps": sum(-(-s // 32) for s in sizes),
        "seconds": {
            "features": 12.25,
            "sae": 8.5,
            "scores": 1.125,
            "select": 0.75,
            "sweep": 0.0,
            "train": 240.5,
            "eval": 18.75,
        },
        "usage": {
            "never_used": float((counts == 0).mean()),
            "gini": float(gini),
            "max": int(counts.max()),
        },
        "environment": ENVIRONMENT,
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))
