"""Adds the sparse codes of a dataset's features as two columns."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset, Features, List, Value
from jaxtyping import Float
from torch import Tensor

from hf_dynsel.beside import beside
from hf_dynsel.feature_rows import Rows, feature_rows, in_order
from hf_dynsel.provenance import fingerprint, record, recorded
from hf_dynsel.sae.code_shards import COLUMNS, arrays, sharded_codes
from hf_dynsel.sae.model import SparseAutoencoder
from hf_dynsel.sae.parallel import ALONE, Team
from hf_dynsel.sae.sparse import SparseCodes


def add_codes(
    dataset: Dataset,
    sae: SparseAutoencoder,
    *,
    batch_size: int = 4096,
    device: torch.device | str | None = None,
    cache_dir: str | Path | None = None,
) -> Dataset:
    """Returns the dataset with the columns `sae_indices` and `sae_values`, k slots per row.

    A slot is active where its value is above zero, whatever the model's top-k rule. Codes that
    are already there are replaced. The model may have been trained on other data.

    Args:
        dataset: has a `features` column.
        sae: the model; it is moved to the device.
        batch_size: rows encoded at a time.
        device: where to encode. None leaves the model where it is.
        cache_dir: where the codes are kept in shards, as `extract` keeps features: finished ones
            are never made again, each process makes its share, and the columns are read by
            memory map. Several processes need a folder that all share. None holds 8 k bytes per
            row in memory, in this process alone.

    Raises:
        ValueError: if the features are missing, NaN or infinite, or of another dimension than
            the model's; or if they are to be kept, and nothing says what the features are.
    """
    rows = feature_rows(dataset)
    require_dimension(sae, rows.shape[1])
    sae.to(device or sae.mean.device)
    note = _note(dataset, sae)
    if cache_dir is None:
        codes = _in_memory(sae, rows, batch_size)
    elif note["features"] is None:
        raise ValueError(
            "codes are found again by the note on their features, and nothing is noted on these; "
            "make them with hf_dynsel.features.extract, or leave out cache_dir"
        )
    else:
        codes = sharded_codes(sae, rows, batch_size, Path(cache_dir), note)
    bare = dataset.remove_columns([name for name in COLUMNS if name in dataset.column_names])
    return record(beside(bare, codes), "sae", note)


def _in_memory(sae: SparseAutoencoder, rows: Rows, batch_size: int) -> Dataset:
    shape = (rows.shape[0], sae.config.k)
    codes = {name: np.empty(shape, kind) for name, kind in COLUMNS.items()}
    start = 0
    for _, batch in encoded(sae, rows, batch_size):
        stop = start + len(batch.values)
        for name, column in arrays(batch).items():
            codes[name][start:stop] = column
        start = stop
    kinds = {name: List(Value(kind), length=shape[1]) for name, kind in COLUMNS.items()}
    columns = [
        pa.FixedSizeListArray.from_arrays(pa.array(codes[name].ravel()), shape[1])
        for name in COLUMNS
    ]
    return Dataset(pa.table(columns, schema=Features(kinds).arrow_schema))


def require_dimension(sae: SparseAutoencoder, dim: int) -> None:
    """Raises ValueError if features of a dimension are not those of the model."""
    if dim != sae.config.input_dim:
        raise ValueError(
            f"the dataset has features of dimension {dim}, but the sparse autoencoder was trained "
            f"on dimension {sae.config.input_dim}; extract the features with the backbone it was "
            "trained on, or train one on these"
        )


def encoded(
    sae: SparseAutoencoder, rows: Rows, batch_size: int, team: Team = ALONE
) -> Iterator[tuple[Float[Tensor, "b d"], SparseCodes]]:
    """Yields the standardized inputs and the codes of all rows, batch by batch, in order."""
    table = sae.weight.new_empty(min(batch_size, rows.shape[0]), sae.config.num_latents)
    for chunk in in_order(rows, batch_size):
        inputs = sae.standardize(chunk.to(sae.mean.device))
        yield inputs, team.share(sae, len(inputs)).codes(sae, inputs, table)


def _note(dataset: Dataset, sae: SparseAutoencoder) -> dict[str, Any]:
    return {
        "config": dataclasses.asdict(sae.config),
        "sae_fingerprint": sae.fingerprint(),
        "source": sae.source,
        "training": dataclasses.asdict(sae.summary) if sae.summary else None,
        "features": recorded(dataset).get("features"),
        "dataset_fingerprint": fingerprint(dataset),
        "num_rows": len(dataset),
    }
