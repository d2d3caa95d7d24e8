"""Keeps the sparse codes of a dataset in files, made by all processes and never made again."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from tqdm.auto import tqdm

from hf_dynsel.distributed import processes
from hf_dynsel.feature_rows import Rows, in_order
from hf_dynsel.sae.model import SparseAutoencoder
from hf_dynsel.sae.sparse import SparseCodes
from hf_dynsel.shards import Shards, deal

COLUMNS = {"sae_indices": "int32", "sae_values": "float32"}
BATCHES = 2  # in a shard


def sharded_codes(
    sae: SparseAutoencoder, rows: Rows, batch_size: int, folder: Path, note: dict[str, Any]
) -> Dataset:
    """Returns the codes of all rows, mapped from files; a process holds one batch at a time.

    Args:
        folder: for the codes of any dataset and model, one that all processes share.
        note: says of which dataset and model these are.
    """
    key = hashlib.sha256(json.dumps(note, sort_keys=True).encode()).hexdigest()[:32]
    state = processes()
    dealt = deal(folder / key, rows.shape[0], BATCHES * batch_size, note, state)
    bar = tqdm(dealt.own, desc="codes", unit="shard", disable=not state.is_main_process)
    for shard in bar:
        _write(sae, rows, batch_size, dealt.shards, shard)
    state.wait_for_everyone()
    return dealt.shards.open()


def arrays(codes: SparseCodes) -> dict[str, np.ndarray]:
    """Returns the codes of a batch by column."""
    return {
        "sae_indices": codes.indices.cpu().numpy().astype(np.int32),
        "sae_values": codes.values.cpu().numpy(),
    }


def _write(sae: SparseAutoencoder, rows: Rows, batch_size: int, shards: Shards, shard: int) -> None:
    table = sae.weight.new_empty(min(batch_size, rows.shape[0]), sae.config.num_latents)
    batches = shards.batches(shard, batch_size)
    within = range(batches[0].start, batches[-1].stop)
    with shards.write(shard, COLUMNS, sae.config.k) as append:
        for chunk in in_order(rows, batch_size, within):
            inputs = sae.standardize(chunk.to(sae.mean.device))
            append(arrays(sae.codes(inputs, table)))
