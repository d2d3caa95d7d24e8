"""Crops and mirrors at given places."""

import numpy as np
import torch

from hf_dynsel.data.crops import crop, mirror


def test_each_image_is_cut_out_of_its_frame_at_its_own_corner() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (25, 3, 4, 6), dtype=np.uint8)
    corners = [(top, left) for top in range(5) for left in range(5)]
    found = crop(torch.from_numpy(images), 2, torch.tensor(corners)).numpy()
    framed = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)))
    for image, frame, (top, left) in zip(found, framed, corners, strict=True):
        assert np.array_equal(image, frame[:, top : top + 4, left : left + 6])


def test_those_named_are_mirrored_and_the_others_are_not() -> None:
    images = torch.arange(6, dtype=torch.uint8).reshape(2, 1, 1, 3)
    found = mirror(images, torch.tensor([True, False]))
    assert found.flatten().tolist() == [2, 1, 0, 3, 4, 5]
