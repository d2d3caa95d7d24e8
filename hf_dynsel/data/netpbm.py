"""Stores uint8 images as uncompressed Netpbm bytes, the fastest form `datasets.Image` decodes."""

import math

import numpy as np
import pyarrow as pa
from jaxtyping import UInt8


def image_column(images: UInt8[np.ndarray, "n height width *rgb"]) -> pa.StructArray:
    """Returns an Arrow column for `datasets.Image`, lossless and encoded without a Python loop.

    Pillow decodes these bytes about twice as fast as PNG (37 against 74 microseconds for 28 x 28
    pixels). The price is size: one byte per pixel and channel.

    Raises:
        ValueError: if the images are neither grey (n, h, w) nor colour (n, h, w, 3).
    """
    if images.ndim != 3 and images.shape[3:] != (3,):
        raise ValueError(
            f"images have shape {images.shape}; give (n, height, width) for grey "
            "or (n, height, width, 3) for colour"
        )
    n, height, width = images.shape[:3]
    magic = "P5" if images.ndim == 3 else "P6"
    header = np.frombuffer(f"{magic}\n{width} {height}\n255\n".encode(), dtype=np.uint8)
    rows = np.hstack([np.tile(header, (n, 1)), images.reshape(n, math.prod(images.shape[1:]))])
    # 64-bit offsets cannot wrap around; `datasets` narrows them and refuses beyond 2 GiB.
    offsets = np.arange(n + 1, dtype=np.int64) * rows.shape[1]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(rows)]
    encoded = pa.LargeBinaryArray.from_buffers(pa.large_binary(), n, buffers)
    return pa.StructArray.from_arrays([encoded, pa.nulls(n, pa.string())], ["bytes", "path"])
