import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hf_dynsel.data.idx_format import read_idx

IMAGES = np.arange(24).reshape(2, 3, 4)
HEADER = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4])


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_plain_and_gzipped_files_are_read(
    name: str, tmp_path: Path, write_idx: Callable[[Path, np.ndarray], Path]
) -> None:
    np.testing.assert_array_equal(read_idx(write_idx(tmp_path / name, IMAGES), 3), IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "starts with the bytes of an empty file"),
        (b"PK\x03\x04rest", "starts with the bytes 50 4b 03 04; .* starts with 00 00 08 03"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x00", "bytes 00 00 08 01; an idx file of 3-dim"),
        (b"\x00\x00\x0d\x03" + bytes(12), "bytes 00 00 0d 03"),
        (HEADER[:10], "is cut off: its header has 10 of 16 bytes"),
        (HEADER + bytes(23), "holds 23 bytes after its header, but .* 2 x 3 x 4 = 24"),
        (HEADER + bytes(25), "holds 25 bytes after its header"),
    ],
)
def test_a_damaged_file_is_named_with_what_was_found(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "train-images"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"train-images.*{message}"):
        read_idx(path, 3)


@pytest.mark.parametrize("cut", [5, 20, -1])
def test_a_truncated_download_is_refused(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(HEADER + bytes(24))[:cut])
    with pytest.raises(ValueError, match=r"images.gz is no intact gzip file .*download it again"):
        read_idx(path, 3)


def test_a_gz_name_on_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(b"<html>404</html>")
    with pytest.raises(ValueError, match="no intact gzip file"):
        read_idx(path, 3)


def test_flipped_bits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    content = bytearray(gzip.compress(HEADER + bytes(range(24))))
    content[-6] ^= 1  # inside the checksum
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no intact gzip file"):
        read_idx(path, 3)
