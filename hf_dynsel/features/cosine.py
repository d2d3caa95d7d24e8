"""Adds how well each sample agrees with the text of its class, as a cosine."""

from dataclasses import asdict

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset
from jaxtyping import Float32, Int

from hf_dynsel.feature_rows import ColumnRows, in_order
from hf_dynsel.features.clip_adapter import Adapters
from hf_dynsel.features.frozen import frozen
from hf_dynsel.features.pairing import class_numbers, features_encoder, require_encoder
from hf_dynsel.provenance import fingerprint, record, recorded

# Begins like the column it comes from, so that the dataset's fingerprint leaves it out.
COSINE = "features_cosine"
NOTE = "adapters"


def add_cosine(
    dataset: Dataset,
    adapters: Adapters,
    *,
    label: str = "label",
    batch_size: int = 4096,
    device: torch.device | str | None = None,
) -> Dataset:
    """Returns the dataset with a float32 column `features_cosine`, from -1 to 1.

    It is the cosine of a sample with the text of its class, after adaptation. One that is already
    there is replaced. Provenance is noted under `adapters`.

    Args:
        dataset: has a `features` column and a class column.
        adapters: trained for the encoder of these features and for these classes.
        label: the class column, as the learner sees it.
        batch_size: rows compared at a time.
        device: where to compare. None takes CUDA where there is one.

    Raises:
        ValueError: if the features are missing, NaN or infinite, or of another encoder than the
            adapters were trained for, or if the classes are others or missing.
    """
    config = adapters.config
    require_encoder(config.sample_encoder, features_encoder(dataset))
    labels = class_numbers(dataset, label, config.classes)
    rows = ColumnRows(dataset)
    if rows.shape[1] != config.sample_dim:
        raise ValueError(
            f"the dataset has features of dimension {rows.shape[1]}, but the adapters were trained "
            f"on dimension {config.sample_dim}; train adapters on these features"
        )
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    values = _cosines(rows, adapters, labels, batch_size, where)
    bare = dataset.remove_columns([COSINE] if COSINE in dataset.column_names else [])
    return record(bare.add_column(COSINE, pa.array(values)), NOTE, _note(dataset, adapters, label))


def _cosines(
    rows: ColumnRows,
    adapters: Adapters,
    labels: Int[np.ndarray, " n"],
    batch_size: int,
    device: torch.device,
) -> Float32[np.ndarray, " n"]:
    values = np.empty(len(labels), np.float32)
    start = 0
    with frozen(adapters, device):
        texts = adapters.adapt_classes()
        for features in in_order(rows, batch_size):
            own = texts[torch.from_numpy(labels[start : start + len(features)])]
            cosines = (adapters.adapt_samples(features.to(device)) * own).sum(dim=1)
            values[start : start + len(features)] = cosines.cpu().numpy()
            start += len(features)
    return values


def _note(dataset: Dataset, adapters: Adapters, label: str) -> dict[str, object]:
    """Returns what the column was made of; the classes stand in the dataset already."""
    config = asdict(adapters.config)
    return {
        "config": {name: config[name] for name in config if name not in ("classes", "words")},
        "adapters_fingerprint": adapters.fingerprint(),
        "source": adapters.source,
        "training": asdict(adapters.summary) if adapters.summary else None,
        "features": recorded(dataset).get("features"),
        "label": label,
        "dataset_fingerprint": fingerprint(dataset),
        "num_rows": len(dataset),
    }
