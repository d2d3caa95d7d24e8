"""Encodes the rows of some shards, in batches, and writes each shard when it is whole."""

from typing import Any

import numpy as np
import torch
from accelerate.utils import send_to_device
from datasets import Dataset
from jaxtyping import Float32
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from hf_dynsel.feature_rows import COLUMN
from hf_dynsel.features.backbone import Backbone
from hf_dynsel.features.frozen import frozen
from hf_dynsel.shards import Shards


def encode_shards(
    view: Dataset,
    backbone: Backbone,
    shards: Shards,
    own: list[int],
    processes: Any,
    batch_size: int,
    num_workers: int,
) -> None:
    """Writes the shards of this process, holding one batch of features at a time.

    Args:
        processes: an `Accelerator` or a `PartialState`.
    """
    # Ranges, not lists: datasets reads them as slices, and they take no memory.
    batches: list[Any] = [rows for shard in own for rows in shards.batches(shard, batch_size)]
    loader = _loader(view, backbone, batches, num_workers)
    progress = tqdm(
        total=sum(map(len, batches)),
        desc="features",
        unit="row",
        disable=not processes.is_main_process,
    )
    with frozen(backbone.module, processes.device), progress:
        inputs = iter(loader)
        for shard in own:
            with shards.write(shard, {COLUMN: "float32"}, backbone.dim) as append:
                for rows in shards.batches(shard, batch_size):
                    batch = send_to_device(next(inputs), processes.device)
                    append({COLUMN: _encode(backbone, batch, rows)})
                    progress.update(len(rows))


def encode_rows(
    view: Dataset,
    backbone: Backbone,
    device: torch.device,
    batch_size: int,
    num_workers: int,
    first: int,
) -> Float32[np.ndarray, "n d"]:
    """Returns the features of all rows, in memory; the network is on the device, and frozen.

    Args:
        first: the number of the first row, to name rows that are at fault.
    """
    starts = range(0, len(view), batch_size)
    batches = [range(start, min(start + batch_size, len(view))) for start in starts]
    loader = _loader(view, backbone, batches, num_workers)
    return np.concatenate(
        [
            _encode(
                backbone,
                send_to_device(inputs, device),
                range(first + rows.start, first + rows.stop),
            )
            for rows, inputs in zip(batches, loader, strict=True)
        ]
    )


def _loader(
    view: Dataset, backbone: Backbone, batches: list[Any], num_workers: int
) -> DataLoader[Any]:
    return DataLoader(
        view,
        batch_sampler=batches,
        collate_fn=backbone.collate,
        num_workers=num_workers,
        generator=torch.Generator(),  # without one, the loader draws from the global stream
    )


def _encode(
    backbone: Backbone, batch: dict[str, Tensor], rows: range
) -> Float32[np.ndarray, "b d"]:
    features: np.ndarray = backbone.encode(batch).float().cpu().numpy()
    if features.shape != (len(rows), backbone.dim):
        raise ValueError(
            f"{type(backbone).__name__} returned features of shape {features.shape} for "
            f"{len(rows)} rows; it must return {(len(rows), backbone.dim)}"
        )
    broken = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(broken):
        raise ValueError(
            f"the features of row {rows[broken[0]]} from {type(backbone).__name__} are NaN or "
            "infinite; look at that row, or drop it with dataset.select"
        )
    return features
