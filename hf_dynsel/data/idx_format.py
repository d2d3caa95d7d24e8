"""Reads one file of the idx format that MNIST and its successors come in."""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

UNSIGNED_BYTES = 0x08


def read_idx(path: Path, dimensions: int) -> UInt8[np.ndarray, "..."]:
    """Returns the array of an idx file of unsigned bytes, plain or gzipped.

    The format: two zero bytes, the type, the number of dimensions, then each dimension as a
    big-endian 32-bit integer, then the values.

    Args:
        path: the file; a name that ends in `.gz` is decompressed.
        dimensions: how many the array must have: 3 for images, 1 for labels.

    Raises:
        ValueError: if the file is corrupt, truncated, too long, or of another type or shape.
    """
    content = _content(path)
    expected = bytes([0, 0, UNSIGNED_BYTES, dimensions])
    if content[:4] != expected:
        raise ValueError(
            f"{path} starts with the bytes {content[:4].hex(' ') or 'of an empty file'}; an idx "
            f"file of {dimensions}-dimensional unsigned bytes starts with {expected.hex(' ')}"
        )
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise ValueError(
            f"{path} is cut off: its header has {len(content)} of {start} bytes; download it again"
        )
    shape = tuple(np.frombuffer(content, ">u4", dimensions, offset=4).tolist())
    if len(content) != start + prod(shape):
        raise ValueError(
            f"{path} holds {len(content) - start:,} bytes after its header, but the header says "
            f"{' x '.join(map(str, shape))} = {prod(shape):,}; download it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _content(path: Path) -> bytes:
    raw = path.read_bytes()
    if path.suffix != ".gz":
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, gzip.BadGzipFile, zlib.error) as broken:
        raise ValueError(f"{path} is no intact gzip file ({broken}); download it again") from broken
