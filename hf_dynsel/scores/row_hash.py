"""A hash of what each row holds, by which scores find their rows in any order and any format."""

import hashlib
import io
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import date, time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from tqdm.auto import tqdm

from hf_dynsel.extras import require
from hf_dynsel.provenance import DERIVED

if TYPE_CHECKING:
    from datasets import Dataset

DIGEST_SIZE = 16  # bytes
LENGTH = 2 * DIGEST_SIZE  # characters
BATCH = 1000  # rows
PATIENCE = 2.0  # seconds without a progress bar
LOSSLESS = {"BMP", "GIF", "PNG", "PPM", "TIFF"}
OPAQUE = {"P": "RGBA", "PA": "RGBA", "1": "L"}


def content_columns(dataset: "Dataset", labels: Sequence[str]) -> list[str]:
    """Returns the columns that hold the samples: neither classes nor made by this package."""
    return [n for n in dataset.column_names if n not in labels and not n.startswith(DERIVED)]


def row_hashes(dataset: "Dataset", columns: Sequence[str]) -> pa.ChunkedArray:
    """Returns one hash per row of what the columns hold, 32 hexadecimal digits.

    It is the same after shuffling, splitting and saving in another format. Numbers count as
    their value, whatever their type: integers exactly, others in single precision. An image of a
    lossless format counts as its pixels, so that PNG and PPM agree; of a lossy one, such as JPEG,
    as its file, because decoders differ in their last digit.

    Args:
        dataset: any with the columns.
        columns: whose values count, in this order; their names do not.
    """
    encoders = [_encoder(dataset.features[name]) for name in columns]
    plain = dataset.select_columns(list(columns)).with_format("arrow")
    hashes = []
    with tqdm(total=len(dataset), desc="row hashes", unit="row", delay=PATIENCE) as bar:
        for table in plain.iter(batch_size=BATCH):
            encoded = [
                encode(table[name].combine_chunks())
                for name, encode in zip(columns, encoders, strict=True)
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


def _encoder(feature: Any) -> Callable[[pa.Array], Iterator[bytes]]:
    """Returns what turns a column of a feature's type into bytes, row by row."""
    if not hasattr(feature, "embed_storage"):
        return lambda column: map(_encode, column.to_pylist())
    read = _image if type(feature).__name__ == "Image" else _whole

    def encode_files(column: pa.Array) -> Iterator[bytes]:
        # A file's bytes in place of its path, which is another one on another machine.
        files = feature.embed_storage(column).field("bytes").to_pylist()
        return (_encode(None) if file is None else read(file) for file in files)

    return encode_files


def _whole(file: bytes) -> bytes:
    return b"f" + file


def _image(file: bytes) -> bytes:
    with require("PIL.Image", "vision").open(io.BytesIO(file)) as image:
        if image.format not in LOSSLESS or getattr(image, "n_frames", 1) > 1:
            return _whole(file)
        plain = image.convert(OPAQUE.get(image.mode, image.mode))
        pixels: bytes = plain.tobytes()
        return f"p{plain.mode} {plain.width} {plain.height} ".encode() + pixels


def _encode(value: Any) -> bytes:
    """Returns a value as bytes that no other value has."""
    match value:
        case None:
            return b"n"
        case int():
            return b"i%d" % value
        case float() if value.is_integer():  # a file may hold 3 as 3.0
            return _encode(int(value))
        case float():
            return b"r" + _real(value)
        case str():
            return b"s" + value.encode("utf-8", "surrogatepass")
        case bytes():
            return b"b" + value
        case list():
            return b"l" + _joined(map(_encode, value))
        case dict():
            return b"d" + _joined(_encode(part) for pair in sorted(value.items()) for part in pair)
        case date() | time():
            return b"t" + value.isoformat().encode()
        case _:
            return b"o" + str(value).encode()


def _joined(parts: Iterator[bytes]) -> bytes:
    return b"".join(struct.pack("<q", len(part)) + part for part in parts)


def _real(value: float) -> bytes:
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return b"nan" if np.isnan(single) else single.tobytes()
