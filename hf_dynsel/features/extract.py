"""Adds a `features` column to a dataset: encoded once, in resumable shards, on every process."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from datasets import Dataset, IterableDataset
from datasets.fingerprint import Hasher

from hf_dynsel import provenance
from hf_dynsel.beside import beside
from hf_dynsel.distributed import processes
from hf_dynsel.feature_rows import COLUMN
from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.encode import encode_shards
from hf_dynsel.shards import Shards, deal

logger = logging.getLogger(__name__)


def extract(
    dataset: Dataset | IterableDataset,
    backbone: Backbone,
    *,
    cache_dir: str | Path,
    batch_size: int = 256,
    shard_size: int = 8192,
    num_workers: int = 0,
    accelerator: Accelerator | None = None,
) -> Dataset:
    """Returns the dataset with a memory-mapped float32 column `features`, in the same row order.

    Finished shards are never encoded again: not after an interruption, and not for another call
    with the same backbone where the column that it reads is the same, whatever the labels say.
    Provenance is noted under `features`. A selected or shuffled dataset is written out in its
    new order, as `add_column` does.

    Args:
        cache_dir: where the shards lie; with several processes, a folder that all share.
        batch_size: rows per forward pass.
        shard_size: rows per file, and the most that an interruption costs.
        num_workers: processes that read and decode rows.
        accelerator: decides the device, and which shards this process encodes.

    Raises:
        TypeError: for an iterable dataset.
        ValueError: if the dataset is empty, has a `features` column or lacks the backbone's
            column, or if a feature is NaN or infinite.
    """
    _check(dataset, batch_size, shard_size)
    # No accelerator of our own: the trainer makes one later, whose settings must be the first.
    team = accelerator or processes()
    view = backbone.view(dataset)
    note = _note(view, backbone)
    dealt = deal(Path(cache_dir) / _key(view, note), len(dataset), shard_size, note, team)
    shards = dealt.shards
    if dealt.complete:
        logger.info("the features of %d rows are read from %s", len(dataset), shards.folder)
    else:
        backbone.prepare(dataset)
        encode_shards(view, backbone, shards, dealt.own, team, batch_size, num_workers)
        team.wait_for_everyone()
    note |= {"version": provenance.library_version()}
    return provenance.record(beside(dataset, shards.open()), COLUMN, note)


def cached(dataset: Dataset, backbone: Backbone, cache_dir: str | Path) -> bool:
    """Returns whether `extract` would find all features in the cache and encode nothing."""
    view = backbone.view(dataset)
    key = _key(view, _note(view, backbone))
    shards = Shards.find(Path(cache_dir) / key)
    return shards is not None and not shards.missing()


def _check(dataset: Dataset | IterableDataset, batch_size: int, shard_size: int) -> None:
    if not isinstance(dataset, Dataset):
        raise TypeError(
            f"features are a column, so they need a datasets.Dataset with one split, got "
            f"{type(dataset).__name__}; choose a split, or load it without streaming=True"
        )
    if len(dataset) == 0:
        raise ValueError("the dataset has no rows to encode")
    if COLUMN in dataset.column_names:
        raise ValueError(
            f"the dataset has a column '{COLUMN}' already; remove it with "
            f"dataset.remove_columns('{COLUMN}')"
        )
    if min(batch_size, shard_size) < 1:
        raise ValueError(
            f"batch_size and shard_size must be at least 1 row, got {batch_size} and {shard_size}"
        )


def _note(view: Dataset, backbone: Backbone) -> dict[str, Any]:
    # Of what is encoded, not of all columns: other labels leave the features as they are.
    data = {"dataset": provenance.fingerprint(view), "rows": len(view)}
    return {**backbone.identity(), **data}


def _key(view: Dataset, note: dict[str, Any]) -> str:
    """Returns a hash of all that decides the features; a transform of the rows is a part."""
    settings = view.format["format_kwargs"]
    content = json.dumps([note, Hasher.hash(settings) if settings else None], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]
