"""Adds the sparse codes of a dataset's features as two columns."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset, List, Value
from jaxtyping import Float
from torch import Tensor

from hf_dynsel.feature_rows import Rows, feature_rows, in_order
from hf_dynsel.provenance import fingerprint, record, recorded
from hf_dynsel.sae.model import SparseAutoencoder
from hf_dynsel.sae.sparse import SparseCodes

COLUMNS = {"sae_indices": "int32", "sae_values": "float32"}


def add_codes(
    dataset: Dataset,
    sae: SparseAutoencoder,
    *,
    batch_size: int = 4096,
    device: torch.device | str | None = None,
) -> Dataset:
    """Returns the dataset with the columns `sae_indices` and `sae_values`, k slots per row.

    A slot is active where its value is above zero, whatever the model's top-k rule. Codes that
    are already there are replaced. The model may have been trained on other data.

    Args:
        dataset: has a `features` column.
        sae: the model; it is moved to the device.
        batch_size: rows encoded at a time.
        device: where to encode. None leaves the model where it is.

    Raises:
        ValueError: if the features are missing, NaN or infinite, or of another dimension than
            the model's.
    """
    rows = feature_rows(dataset)
    require_dimension(sae, rows.shape[1])
    sae.to(device or sae.mean.device)
    shape = (rows.shape[0], sae.config.k)
    codes = {name: np.empty(shape, kind) for name, kind in COLUMNS.items()}
    start = 0
    for _, batch in encoded(sae, rows, batch_size):
        stop = start + len(batch.values)
        codes["sae_indices"][start:stop] = batch.indices.cpu().numpy()
        codes["sae_values"][start:stop] = batch.values.cpu().numpy()
        start = stop
    bare = dataset.remove_columns([name for name in COLUMNS if name in dataset.column_names])
    for name, kind in COLUMNS.items():
        column = pa.FixedSizeListArray.from_arrays(pa.array(codes[name].ravel()), shape[1])
        bare = bare.add_column(name, column, feature=List(Value(kind), length=shape[1]))
    return record(bare, "sae", _note(dataset, sae))


def require_dimension(sae: SparseAutoencoder, dim: int) -> None:
    """Raises ValueError if features of a dimension are not those of the model."""
    if dim != sae.config.input_dim:
        raise ValueError(
            f"the dataset has features of dimension {dim}, but the sparse autoencoder was trained "
            f"on dimension {sae.config.input_dim}; extract the features with the backbone it was "
            "trained on, or train one on these"
        )


def encoded(
    sae: SparseAutoencoder, rows: Rows, batch_size: int
) -> Iterator[tuple[Float[Tensor, "b d"], SparseCodes]]:
    """Yields the standardized inputs and the codes of all rows, batch by batch, in order."""
    table = sae.weight.new_empty(min(batch_size, rows.shape[0]), sae.config.num_latents)
    for chunk in in_order(rows, batch_size):
        inputs = sae.standardize(chunk.to(sae.mean.device))
        yield inputs, sae.codes(inputs, table)


def _note(dataset: Dataset, sae: SparseAutoencoder) -> dict[str, object]:
    return {
        "config": dataclasses.asdict(sae.config),
        "sae_fingerprint": sae.fingerprint(),
        "source": sae.source,
        "training": dataclasses.asdict(sae.summary) if sae.summary else None,
        "features": recorded(dataset).get("features"),
        "dataset_fingerprint": fingerprint(dataset),
        "num_rows": len(dataset),
    }
