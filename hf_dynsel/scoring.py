"""Computes the scores of a dataset in all processes, each for a stretch of its rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset
from jaxtyping import Float32
from safetensors import safe_open
from safetensors.numpy import save_file

from hf_dynsel.distributed import gather_rows, only_main, processes, total
from hf_dynsel.scores import Score
from hf_dynsel.scores.add import Made
from hf_dynsel.scores.code_score import CodeScore
from hf_dynsel.scores.columns import read_arrow, read_column
from hf_dynsel.scores.exchange import Exchange
from hf_dynsel.scores.files import clear_tables, labels_of, write_notes, write_table
from hf_dynsel.scores.normalize import normalized_own
from hf_dynsel.scores.notes import part_names
from hf_dynsel.scores.table import INDEX, PREFIX

WHOLE = "whole.safetensors"  # a score that one process computed, while others wait for it


def score_together(dataset: Dataset, scores: Sequence[Score], folder: Path) -> None:
    """Saves scores as `save_scores` does, unhashed; each process those of its stretch of the rows.

    One process writes `scores.parquet`; several write a part of it each, which are the same rows.
    Scores of codes are computed where the rows are: beside their codes, a process holds 60 bytes
    per active unit of its own rows, and 16 per row of all for the classes. Other scores need all
    rows at once: the main process computes them as it would alone, and the others wait.

    Args:
        folder: that all processes share.

    Raises:
        ValueError: as `add_scores` does.
    """
    made = Made.of(dataset, scores, "label")
    exchange = _exchange()
    rows = exchange.stretch(len(dataset))
    own = dataset.select(rows)
    only_main(lambda: clear_tables(folder))
    labels = labels_of(made.entries)
    columns = {INDEX: pa.array(np.arange(rows.start, rows.stop))}
    columns |= {name: read_arrow(own, [name])[name].combine_chunks() for name in labels}
    for score in made.scores:
        if isinstance(score, CodeScore):
            values = _of_codes(score, own, made, exchange)
        else:
            values = _of_all(score, dataset, made, folder, rows)
        columns[PREFIX + score.name] = pa.array(values)
    names = part_names(exchange.processes)
    write_table(pa.table(columns), folder / names[exchange.process])
    table: dict[str, Any] = {"labels": labels, "content": [], "columns": {}}
    if exchange.processes > 1:
        table["parts"] = exchange.joined(np.array([len(rows)])).tolist()
    only_main(lambda: write_notes(dataset, made.entries, folder, table))


def _of_codes(
    score: CodeScore, own: Dataset, made: Made, exchange: Exchange
) -> Float32[np.ndarray, " own"]:
    columns = {name: read_column(own, name) for name in score.columns}
    labels = made.labels
    rows = exchange.stretch(made.entries[score.name]["num_rows"])
    classes = None if labels is None else labels[rows.start : rows.stop]
    raw = score.compute_own(columns, classes, exchange)
    score.require_finite(raw, rows.start)
    return normalized_own(raw, score.normalize, labels, exchange).astype(np.float32)


def _of_all(
    score: Score, dataset: Dataset, made: Made, folder: Path, rows: range
) -> Float32[np.ndarray, " own"]:
    def compute() -> None:
        columns = {name: read_column(dataset, name) for name in score.columns}
        values = score.values(columns, made.labels).astype(np.float32)
        save_file({score.name: values}, folder / WHOLE)

    only_main(compute)
    with safe_open(folder / WHOLE, "numpy") as file:
        own: Float32[np.ndarray, " own"] = file.get_slice(score.name)[rows.start : rows.stop]
    processes().wait_for_everyone()  # until all have read it
    only_main((folder / WHOLE).unlink)
    return own


def _exchange() -> Exchange:
    state = processes()
    if state.num_processes == 1:
        return Exchange()

    def summed(own: np.ndarray) -> np.ndarray:
        return total(torch.from_numpy(own)).cpu().numpy()

    def joined(own: np.ndarray) -> np.ndarray:
        return gather_rows({"rows": torch.from_numpy(own)})["rows"].cpu().numpy()

    return Exchange(state.process_index, state.num_processes, summed, joined)
