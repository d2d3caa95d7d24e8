"""A hash of what each row holds, by which scores find their rows in any order and any format."""

import hashlib
import io
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import date, time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from tqdm.auto import tqdm

from hf_dynsel.extras import require
from hf_dynsel.provenance import DERIVED, embedded

if TYPE_CHECKING:
    from datasets import Dataset

DIGEST_SIZE = 16  # bytes
LENGTH = 2 * DIGEST_SIZE  # characters
BATCH = 1000  # rows
PATIENCE = 2.0  # seconds without a progress bar
LOSSLESS = {"BMP", "GIF", "PNG", "PPM", "TIFF"}
REALS: dict[Any, Any] = {"float16": np.float16, "float32": np.float32}


def content_columns(dataset: "Dataset", labels: Sequence[str]) -> list[str]:
    """Returns the columns that hold the samples: neither classes nor made by this package."""
    return [n for n in dataset.column_names if n not in labels and not n.startswith(DERIVED)]


def row_hashes(dataset: "Dataset", columns: Sequence[str]) -> pa.ChunkedArray:
    """Returns one hash per row of what the columns hold, 32 hexadecimal digits.

    It is the same after shuffling, splitting and saving in another format. Numbers count as their
    shortest decimal form, whatever their type: 3 and 3.0 are the same. An image of a lossless
    format counts as its pixels, upright, so that PNG and PPM agree; of a lossy one, such as JPEG,
    as its file, because decoders differ in their last digit.

    Args:
        dataset: any with the columns.
        columns: whose values count, in this order; their names do not.

    Raises:
        ValueError: if an image cannot be read; names the row and the column.
    """
    encoders = {name: _encoder(dataset.features[name]) for name in columns}
    plain = dataset.select_columns(list(columns)).with_format("arrow")
    hashes = []
    with tqdm(total=len(dataset), desc="row hashes", unit="row", delay=PATIENCE) as bar:
        for table in plain.iter(batch_size=BATCH):
            encoded = [
                _encoded(name, _values(table[name], dataset.features[name]), encode, bar.n)
                for name, encode in encoders.items()
            ]
            digests = [_digest(row) for row in zip(*encoded, strict=True)]
            hashes.append(pa.array(digests, pa.string()))
            bar.update(len(digests))
    return pa.chunked_array(hashes, pa.string())


def _digest(values: tuple[bytes, ...]) -> str:
    digest = hashlib.blake2b(digest_size=DIGEST_SIZE)
    for value in values:
        digest.update(struct.pack("<q", len(value)) + value)  # else "ab", "c" would be "a", "bc"
    return digest.hexdigest()


def _values(column: pa.ChunkedArray, feature: Any) -> list[Any]:
    """Returns the values of a column; of files their bytes, for their paths differ elsewhere."""
    return list(embedded(column.combine_chunks(), feature).to_pylist())


def _encoded(
    name: str, values: list[Any], encode: Callable[[Any], bytes], start: int
) -> Iterator[bytes]:
    for row, value in enumerate(values, start):
        try:
            yield encode(value)
        except OSError as broken:
            raise ValueError(
                f"row {row} has no readable image in '{name}' ({broken}); drop the row or mend it"
            ) from broken


def _encoder(feature: Any) -> Callable[[Any], bytes]:
    """Returns what turns a value of a feature's type into bytes that no other value has."""
    if hasattr(feature, "embed_storage"):
        read = _image if type(feature).__name__ == "Image" else _whole
        return lambda value: _encode(None) if value is None else read(value["bytes"])
    if isinstance(feature, dict):
        parts = {key: _encoder(feature[key]) for key in sorted(feature)}
        return lambda value: (
            _encode(None)
            if value is None
            else b"d" + _joined(_encode(key) + parts[key](value[key]) for key in parts)
        )
    if hasattr(feature, "feature"):
        inner = _encoder(feature.feature)
        return lambda value: _encode(None) if value is None else b"l" + _joined(map(inner, value))
    return partial(_encode, real=REALS.get(getattr(feature, "dtype", None), float))


def _whole(file: bytes) -> bytes:
    return b"f" + file


def _image(file: bytes) -> bytes:
    with require("PIL.Image", "vision").open(io.BytesIO(file)) as image:
        if image.format not in LOSSLESS or getattr(image, "n_frames", 1) > 1:
            return _whole(file)
        upright = require("PIL.ImageOps", "vision").exif_transpose(image)
        plain = upright.convert(_mode(upright))
        pixels: bytes = plain.tobytes()
        return f"p{plain.mode} {plain.width} {plain.height} ".encode() + pixels


def _mode(image: Any) -> str:
    """Returns the mode in which formats that store the same pixels agree."""
    if image.mode.startswith("I;16"):
        return "I"
    if image.mode in ("P", "PA"):
        return "RGBA" if image.has_transparency_data else "RGB"
    return "L" if image.mode == "1" else str(image.mode)


def _encode(value: Any, real: Callable[[float], Any] = float) -> bytes:
    """Returns a plain value as bytes that no other value has.

    Args:
        value: as `to_pylist` returns it.
        real: the type of real numbers in the column, whose shortest digits count.
    """
    match value:
        case None:
            return b"n"
        case int():
            return b"i%d" % value
        case float() if value.is_integer():  # a file may hold 3 as 3.0
            return _encode(int(value))
        case float():
            return b"r" + repr(float(str(real(value)))).encode()
        case str():
            return b"s" + value.encode("utf-8", "surrogatepass")
        case bytes():
            return b"b" + value
        case list():
            return b"l" + _joined(_encode(part, real) for part in value)
        case dict():
            pairs = (_encode(k) + _encode(part, real) for k, part in sorted(value.items()))
            return b"d" + _joined(pairs)
        case date() | time():
            return b"t" + value.isoformat().encode()
        case _:
            return b"o" + str(value).encode()


def _joined(parts: Iterator[bytes]) -> bytes:
    return b"".join(struct.pack("<q", len(part)) + part for part in parts)
