import pickle
import sys
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from hf_dynsel.data import ImageTransform, digits
from hf_dynsel.data.crops import random_crop, random_flip


def rows(*arrays: np.ndarray) -> dict[str, list[Any]]:
    return {
        "image": [Image.fromarray(array) for array in arrays],
        "label": list(range(len(arrays))),
    }


def test_pixels_are_scaled_and_normalised() -> None:
    """255 is 1, and (1 - 0.5) / 0.25 = 2; 51 is 0.2, and (0.2 - 0.5) / 0.25 = -1.2."""
    picture = np.array([[255, 51]], dtype=np.uint8)
    batch = ImageTransform((0.5,), (0.25,), channels=1)(rows(picture))
    torch.testing.assert_close(batch["pixel_values"], torch.tensor([[[[2.0, -1.2]]]]))
    assert batch["labels"].tolist() == [0]
    assert batch["labels"].dtype == torch.int64


def test_each_channel_has_its_own_mean_and_std() -> None:
    picture = np.full((1, 1, 3), 255, dtype=np.uint8)
    batch = ImageTransform((0.0, 0.5, 1.0), (1.0, 0.5, 0.1))(rows(picture))
    assert batch["pixel_values"].flatten().tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (4, 5, 4)])
def test_grey_colour_and_transparent_images_are_converted(
    channels: int, shape: tuple[int, ...]
) -> None:
    batch = ImageTransform(channels=channels)(rows(np.zeros(shape, np.uint8)))
    assert batch["pixel_values"].shape == (1, channels, 4, 5)


def test_arrays_serve_as_images() -> None:
    picture = np.arange(6, dtype=np.uint8).reshape(2, 3)
    transform = ImageTransform(channels=1)
    torch.testing.assert_close(
        transform({"image": [picture]})["pixel_values"], transform(rows(picture))["pixel_values"]
    )


def test_images_are_resized() -> None:
    batch = ImageTransform(channels=1, size=6)(
        rows(np.full((3, 4), 255, np.uint8), np.full((9, 8), 255, np.uint8))
    )
    torch.testing.assert_close(batch["pixel_values"], torch.ones(2, 1, 6, 6))


def shape_of(transform: ImageTransform, *sizes: tuple[int, int]) -> tuple[int, ...]:
    pictures = [np.zeros(size, np.uint8) for size in sizes]
    return tuple(transform(rows(*pictures))["pixel_values"].shape)


def test_the_middle_is_taken_of_an_image_whose_shorter_side_is_resized() -> None:
    """Of 8 x 16 with a shorter side of 4, 4 x 8; its columns 2 to 5 are the middle."""
    picture = np.zeros((8, 16), np.uint8)
    picture[:, 4:12] = 255
    transform = ImageTransform((0.0,), (1.0,), channels=1, size=4, shorter_side=4)
    middle = transform(rows(picture))["pixel_values"]
    assert middle.shape == (1, 1, 4, 4)
    assert middle[..., 1:3].min() == 1.0
    assert shape_of(transform, (4, 9), (9, 4), (40, 40)) == (3, 1, 4, 4)


def test_a_random_area_is_drawn_anew_each_time_and_is_of_the_size() -> None:
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    transform = ImageTransform(channels=1, size=4, shorter_side=6, random_area=True)
    batches = [transform(rows(picture))["pixel_values"] for _ in range(8)]
    assert {tuple(batch.shape) for batch in batches} == {(1, 1, 4, 4)}
    assert len({tuple(batch.flatten().tolist()) for batch in batches}) > 5


def test_evaluation_takes_the_middle_where_training_takes_random_areas() -> None:
    training = ImageTransform(channels=1, size=4, shorter_side=6, random_area=True, flip=True)
    assert training.deterministic() == ImageTransform(channels=1, size=4, shorter_side=6)


def test_images_of_several_sizes_need_a_size() -> None:
    with pytest.raises(ValueError, match=r"sizes \[\(3, 4\), \(5, 4\)\].*set size to resize"):
        ImageTransform()(rows(np.zeros((3, 4), np.uint8), np.zeros((5, 4), np.uint8)))


def test_a_crop_is_a_window_of_the_padded_image() -> None:
    images = torch.randint(0, 256, (64, 2, 5, 6), dtype=torch.uint8)
    padded = torch.nn.functional.pad(images, [2, 2, 2, 2])
    for crop, whole in zip(random_crop(images, 2), padded, strict=True):
        windows = [whole[:, i : i + 5, j : j + 6] for i in range(5) for j in range(5)]
        assert any(torch.equal(crop, window) for window in windows)


def test_crops_reach_every_position() -> None:
    """One bright pixel in the middle of 3 x 3 can be moved to each of the nine places."""
    image = torch.zeros(500, 1, 3, 3, dtype=torch.uint8)
    image[:, :, 1, 1] = 1
    assert (random_crop(image, 1).sum(0) > 0).all()


def test_half_of_the_images_are_mirrored() -> None:
    images = torch.arange(3, dtype=torch.uint8).expand(1000, 1, 1, 3)
    flipped = random_flip(images)[:, 0, 0].tolist()
    assert all(row in ([0, 1, 2], [2, 1, 0]) for row in flipped)
    assert 400 < flipped.count([2, 1, 0]) < 600


def test_the_deterministic_version_draws_nothing() -> None:
    transform = ImageTransform(channels=1, crop_padding=2, flip=True).deterministic()
    before = torch.get_rng_state()
    first, second = (transform(rows(np.eye(4, dtype=np.uint8)))["pixel_values"] for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_training_draws_anew_each_time() -> None:
    transform = ImageTransform(channels=1, crop_padding=2)
    batches = [transform(rows(np.eye(8, dtype=np.uint8) * 255)) for _ in range(20)]
    assert len({tuple(batch["pixel_values"].flatten().tolist()) for batch in batches}) > 5


def test_it_can_be_pickled() -> None:
    transform = ImageTransform(channels=1, crop_padding=2, flip=True)
    assert pickle.loads(pickle.dumps(transform)) == transform


def test_a_dataset_gives_batches_for_the_model() -> None:
    part = digits()["test"].with_transform(ImageTransform(channels=1))
    batch = next(iter(DataLoader(part, batch_size=16)))
    assert batch["pixel_values"].shape == (16, 1, 8, 8)
    assert batch["labels"].tolist() == digits()["test"]["label"][:16]


def test_other_columns_are_left_out() -> None:
    part = digits()["test"].select(range(2)).add_column("score_el2n", [0.5, 0.25])
    transformed = part.with_transform(ImageTransform(channels=1))
    assert list(transformed[0]) == ["pixel_values", "labels"]


def test_a_removed_image_column_is_explained() -> None:
    with pytest.raises(ValueError, match=r"no column 'image' .*remove_unused_columns=False"):
        ImageTransform()({"label": [0]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 4}, r"channels must be 1 \(grey\) or 3 \(colour\), got 4"),
        ({"mean": (0.5, 0.5)}, "mean must have one value, or one for each of the 3 channels"),
        ({"std": (0.5, 0.5)}, "std must have one value"),
        ({"std": (0.0,)}, r"std must be above 0, got \[0.0\]"),
        ({"size": 0}, "size must be at least 1 pixel, got 0"),
        ({"crop_padding": -1}, "crop_padding must be at least 0 pixels, got -1"),
        ({"size": 8, "shorter_side": 7}, "shorter_side must be at least size, .* 7 and size 8"),
        ({"shorter_side": 7}, "shorter_side must be at least size, .* 7 and size None"),
        ({"random_area": True}, "random_area resizes to size, which is not set; set it"),
    ],
)
def test_values_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImageTransform(**arguments)


def test_without_pillow_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"pip install 'hf-dynsel\[vision\]'"):
        ImageTransform()({"image": [np.zeros((2, 2), np.uint8)]})
