"""Decoded once, images are those of the transform, to the bit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from transformers import default_data_collator

from augment_kit import MEAN, STD
from decoded_kit import RANDOM, decoded, stored
from hf_dynsel.data import ImageTransform, add_label_noise, decode_images

ROWS = 20


@pytest.mark.parametrize(
    "transform",
    [
        RANDOM,
        RANDOM.deterministic(),
        ImageTransform((0.3,), (0.7,), channels=1, flip=True),
        ImageTransform(MEAN, STD, size=7, crop_padding=1),
        ImageTransform(MEAN, STD, size=9, shorter_side=16),
    ],
    ids=["random", "clean", "grey", "resized", "middle"],
)
def test_batches_are_those_of_the_transform_to_the_bit(
    transform: ImageTransform, tmp_path: Path
) -> None:
    rows = [7, 0, 19, 7]
    torch.manual_seed(3)
    wanted = stored(ROWS).with_transform(transform)[rows]
    torch.manual_seed(3)
    found = decoded(tmp_path, ROWS, transform).__getitems__(rows).batch
    assert sorted(found) == sorted(wanted)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_any_collator_and_loader_takes_them(tmp_path: Path) -> None:
    clean = decoded(tmp_path, ROWS, RANDOM.deterministic())
    every = clean.__getitems__(range(ROWS)).batch
    for collate in (None, default_data_collator):
        batches = list(DataLoader(clean, batch_size=8, collate_fn=collate))
        for name, column in every.items():
            assert torch.equal(torch.cat([batch[name] for batch in batches]), column)
    assert torch.equal(clean[5]["pixel_values"], every["pixel_values"][5])


def count_decoding(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counts: list[int] = []
    decode = ImageTransform.decode

    def counted(self: ImageTransform, images: list[Image.Image]) -> torch.Tensor:
        counts.append(len(images))
        return decode(self, images)

    monkeypatch.setattr(ImageTransform, "decode", counted)
    return counts


def test_other_labels_scores_and_random_parts_need_no_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded(tmp_path, ROWS)
    counts = count_decoding(monkeypatch)
    noisy = add_label_noise(stored(ROWS), 0.5).add_column("score_diversity", [0.0] * ROWS)
    found = decode_images(noisy, RANDOM.deterministic(), cache_dir=tmp_path)
    assert counts == []
    assert found.__getitems__(range(ROWS)).batch["labels"].tolist() == noisy["label"]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows, transform: (rows.select(range(ROWS - 1)), transform),
        lambda rows, transform: (rows.select([1, 0, *range(2, ROWS)]), transform),
        lambda rows, transform: (rows, ImageTransform(MEAN, STD, size=5)),
        lambda rows, transform: (rows, ImageTransform(channels=1)),
    ],
    ids=["fewer", "another order", "smaller", "grey"],
)
def test_other_images_are_decoded_anew(
    change: Callable[..., tuple[object, ImageTransform]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded(tmp_path, ROWS)
    counts = count_decoding(monkeypatch)
    rows, transform = change(stored(ROWS), RANDOM)
    decode_images(rows, transform, cache_dir=tmp_path, progress=False)
    assert counts == [1, len(rows)]  # one tells the shape


def test_several_processes_decode_in_order(tmp_path: Path) -> None:
    """Of 600 images, batches of 256, 256 and 88 come back from two processes."""
    made = decode_images(
        stored(600), RANDOM, cache_dir=tmp_path / "two", num_workers=2, progress=False
    )
    assert torch.equal(made.images.tensor, decoded(tmp_path / "none", 600).images.tensor)


def test_data_without_labels_have_none(tmp_path: Path) -> None:
    rows = stored(3).remove_columns("label")
    found = decode_images(rows, RANDOM, cache_dir=tmp_path, progress=False)
    assert list(found[0]) == ["pixel_values"]


def test_what_cannot_be_decoded_once_is_refused(tmp_path: Path) -> None:
    area = ImageTransform(size=8, random_area=True)
    with pytest.raises(ValueError, match="random_area=True resizes another area .* leave it out"):
        decode_images(stored(2), area, cache_dir=tmp_path)
    with pytest.raises(ValueError, match=r"no column 'image' \(there are: \['label'\]\)"):
        decode_images(stored(2).remove_columns("image"), RANDOM, cache_dir=tmp_path)
    with pytest.raises(ValueError, match="the dataset has no rows"):
        decode_images(stored(2).select([]), RANDOM, cache_dir=tmp_path)


def test_images_of_several_sizes_need_a_size(tmp_path: Path) -> None:
    from datasets import Dataset

    pictures = [Image.fromarray(np.zeros((side, 4), np.uint8)) for side in (3, 5)]
    rows = Dataset.from_dict({"image": pictures})
    with pytest.raises(ValueError, match=r"sizes \[\(3, 4\), \(5, 4\)\].*set size to resize"):
        decode_images(rows, ImageTransform(channels=1), cache_dir=tmp_path, progress=False)
