"""One tensor of images in a safetensors file: written row by row, resumed, and read by mapping."""

import json
import math
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jaxtyping import UInt8
from safetensors import safe_open
from torch import Tensor

NAME = "images"  # of the tensor in the file


class MappedImages:
    """The images of a file, in memory only as far as they are read.

    A copy in another process maps the file again, instead of carrying the images there.

    Args:
        file: as `write_images` leaves it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        with safe_open(file, framework="pt") as content:
            self.tensor: UInt8[Tensor, "n c h w"] = content.get_tensor(NAME)

    def __reduce__(self) -> tuple[Any, ...]:
        return MappedImages, (self.file,)


class ImageWriter:
    """Writes images into a file that appears when all are there.

    The rows of an interrupted writer are kept beside the file, and the next one goes on.

    Args:
        file: to be written; its folder exists.
        shape: of all images together: count, channels, height and width.

    Attributes:
        done: rows that an interrupted writer left.

    Raises:
        OSError: if the disk has too little space.
    """

    def __init__(self, file: Path, shape: tuple[int, int, int, int]) -> None:
        self.file, self.shape = file, shape
        self._unfinished, self._header = file.with_suffix(".unfinished"), _header(shape)
        written = self._unfinished.stat().st_size if self._unfinished.is_file() else 0
        self.done = max(0, written - len(self._header)) // math.prod(shape[1:])
        self._require_space(written)

    @property
    def bytes(self) -> int:
        """Bytes of all images."""
        return math.prod(self.shape)

    def write(self, batches: Iterable[Tensor]) -> None:
        """Appends the rows from `done` on, in batches of 8-bit images.

        Raises:
            ValueError: if images differ in size.
        """
        self._unfinished.touch()
        with self._unfinished.open("r+b") as out:
            out.write(self._header)
            out.seek(self.done * math.prod(self.shape[1:]), os.SEEK_CUR)
            out.truncate()  # of a row that was cut off
            for batch in batches:
                self._require_size(batch)
                out.write(batch.contiguous().numpy().data)
            out.flush()
            os.fsync(out.fileno())
        self._unfinished.replace(self.file)

    def _require_size(self, batch: UInt8[Tensor, "b c h w"]) -> None:
        if batch.shape[1:] != self.shape[1:]:
            self._unfinished.unlink()
            raise ValueError(
                f"images have the sizes {self.shape[2:]} and {tuple(batch.shape[2:])} (height, "
                "width); set size to resize them"
            )

    def _require_space(self, written: int) -> None:
        needed, free = self.bytes - written, shutil.disk_usage(self.file.parent).free
        if needed > free:
            raise OSError(
                f"{self.shape[0]} decoded images take {needed:,} bytes in {self.file.parent}, "
                f"which has {free:,} left; give cache_dir another disk, or set a smaller size"
            )


def _header(shape: tuple[int, int, int, int]) -> bytes:
    """Returns what safetensors has before the images: its length, and their type and shape."""
    offsets = [0, math.prod(shape)]
    text = json.dumps({NAME: {"dtype": "U8", "shape": shape, "data_offsets": offsets}}).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
