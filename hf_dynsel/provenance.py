"""Says which data a column was computed from, and refuses to use it with other data."""

import copy
import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from hf_dynsel.extras import require

if TYPE_CHECKING:
    from datasets import Dataset

MARK = "hf_dynsel provenance: "
DERIVED = ("score_", "sae_", "features", "proxy_")
READ_WHOLE = 100_000  # rows
SAMPLED_ROWS = 4096


def fingerprint(dataset: "Dataset") -> str:
    """Returns a hash of the dataset's content, the same on any machine and for any cache path.

    It covers the number of rows, the names and types of the columns and the stored values; of
    images and sounds, the bytes of their files. Columns of ours (`score_*`, `sae_*`, `proxy_*`,
    `features`) are left out. Of more than 100,000 rows, 4,096 evenly spaced ones are read instead
    of all.
    """
    columns = sorted(c for c in dataset.column_names if not c.startswith(DERIVED))
    types = [repr(dataset.features[c]) for c in columns]
    digest = hashlib.blake2b(json.dumps([len(dataset), columns, types]).encode(), digest_size=16)
    plain = dataset.select_columns(columns).with_format("arrow")
    if len(plain) > READ_WHOLE:
        rows = np.unique(np.linspace(0, len(plain) - 1, SAMPLED_ROWS).round().astype(np.int64))
        plain = plain.select(rows)
    for table in plain.iter(batch_size=1024):
        digest.update(_bytes(table, dataset.features))
    return digest.hexdigest()


def _bytes(table: pa.Table, features: Mapping[str, Any]) -> memoryview:
    columns = {
        # A file's bytes in place of its path, which is another one on another machine.
        name: embedded(table[name].combine_chunks(), features[name])
        for name in table.column_names
    }
    # Without the schema's metadata, which says how the column was made and not what it holds.
    bare = pa.table(columns).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, bare.schema) as writer:
        writer.write_table(bare)
    return memoryview(sink.getvalue())


def embedded(column: pa.Array, feature: Any) -> pa.Array:
    """Returns a column with the bytes of the files that it names, also inside of lists."""
    if not require("datasets.features.features", "all").require_storage_embed(feature):
        return column
    return require("datasets.table", "all").embed_array_storage(column, feature)


def library_version() -> str:
    """Returns the version of this library."""
    try:
        return version("hf-dynsel")
    except PackageNotFoundError:
        return "not installed"


def record(dataset: "Dataset", name: str, entry: dict[str, Any]) -> "Dataset":
    """Returns the dataset with `entry` noted under `name` in its info.

    The info travels with `map`, `filter` and `save_to_disk`; a Parquet file and the Hub do not keep
    it. Nothing else of the description changes.
    """
    notes = {**recorded(dataset), name: entry}
    kept = [line for line in dataset.info.description.split("\n") if not line.startswith(MARK)]
    noted = copy.deepcopy(dataset)  # tables are shared; only the info is copied
    noted.info.description = "\n".join([*kept, MARK + json.dumps(notes, sort_keys=True)]).strip()
    return noted


def recorded(dataset: "Dataset") -> dict[str, Any]:
    """Returns every note that `record` left on the dataset, by name.

    Of datasets put together, the last one's note counts; but where one of their sources forbids
    passing its data on, that one.
    """
    notes: dict[str, Any] = {}
    for line in dataset.info.description.split("\n"):
        if line.startswith(MARK):
            before = notes.get("source", {})
            notes.update(json.loads(line.removeprefix(MARK)))
            if before.get("redistribution") is False:
                notes["source"] = before
    return notes


def require_same(what: str, noted: Any, here: Any) -> None:
    """Raises ValueError, naming both values, if a noted value is not the one at hand."""
    if noted != here:
        raise ValueError(
            f"{what} is {here!r} here, but {noted!r} where the scores were computed: they belong "
            "to other data. Compute them again with add_scores, or load the data they came from"
        )


def without_derived(dataset: "Dataset") -> "Dataset":
    """Returns a dataset without the columns that this package made, which no model takes."""
    return dataset.remove_columns([n for n in dataset.column_names if n.startswith(DERIVED)])
