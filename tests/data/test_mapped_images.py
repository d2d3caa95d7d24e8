"""The file of decoded images: whole or not there, and mapped."""

import copy
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hf_dynsel.data.mapped_images import ImageWriter, MappedImages

IMAGES = torch.arange(5 * 2 * 3 * 4, dtype=torch.uint8).reshape(5, 2, 3, 4)
SHAPE = (5, 2, 3, 4)


def test_what_is_written_is_read_by_safetensors_and_by_mapping(tmp_path: Path) -> None:
    file = tmp_path / "images.safetensors"
    ImageWriter(file, SHAPE).write(IMAGES.split(2))
    assert torch.equal(load_file(file)["images"], IMAGES)
    assert torch.equal(MappedImages(file).tensor, IMAGES)
    assert [path.name for path in tmp_path.iterdir()] == ["images.safetensors"]


def interrupted() -> Iterator[torch.Tensor]:
    yield IMAGES[:2]
    yield IMAGES[2:3]
    raise KeyboardInterrupt


@pytest.mark.parametrize("lost", [0, 1, 24, 30])
def test_an_interrupted_writer_is_gone_on_with(lost: int, tmp_path: Path) -> None:
    """An image has 24 bytes: with up to 24 of them lost, two whole images are left of three."""
    file = tmp_path / "images.safetensors"
    with pytest.raises(KeyboardInterrupt):
        ImageWriter(file, SHAPE).write(interrupted())
    assert not file.exists()
    with file.with_suffix(".unfinished").open("r+b") as cut:
        cut.truncate(file.with_suffix(".unfinished").stat().st_size - lost)
    writer = ImageWriter(file, SHAPE)
    assert writer.done == {0: 3, 1: 2, 24: 2, 30: 1}[lost]
    writer.write([IMAGES[writer.done :]])
    assert torch.equal(load_file(file)["images"], IMAGES)


def test_images_of_another_size_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    other = torch.zeros(1, 2, 4, 4, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"the sizes \(3, 4\) and \(4, 4\).*set size to resize"):
        ImageWriter(tmp_path / "images.safetensors", SHAPE).write([IMAGES[:4], other])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_found_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=119)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(OSError, match="5 decoded images take 120 bytes in .* 119 left; give"):
        ImageWriter(tmp_path / "images.safetensors", SHAPE)


def test_a_copy_for_another_process_carries_no_images(tmp_path: Path) -> None:
    file = tmp_path / "images.safetensors"
    many = torch.zeros(1000, 2, 3, 4, dtype=torch.uint8)
    ImageWriter(file, (1000, 2, 3, 4)).write([many])
    images = MappedImages(file)
    assert len(pickle.dumps(images)) < 1000
    for other in (pickle.loads(pickle.dumps(images)), copy.deepcopy(images)):
        assert torch.equal(other.tensor, many)


def test_writing_to_what_was_read_leaves_the_file(tmp_path: Path) -> None:
    file = tmp_path / "images.safetensors"
    ImageWriter(file, SHAPE).write([IMAGES])
    MappedImages(file).tensor.zero_()
    assert torch.equal(MappedImages(file).tensor, IMAGES)
