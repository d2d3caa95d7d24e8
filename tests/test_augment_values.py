"""Values that change: a few pixels by hand."""

import numpy as np
import pytest
import torch

from hf_dynsel.augment_values import (
    autocontrast,
    brightness,
    color,
    contrast,
    equalize,
    posterize,
    sharpness,
    solarize,
)


def changed(change, magnitude, values):
    """Of one row of pixels, or three rows as the three channels of one."""
    images = torch.tensor(values, dtype=torch.uint8)
    images = images.view(1, -1, 1, images.shape[-1])
    return change(images, np.array([magnitude], float)).view_as(torch.tensor(values)).tolist()


@pytest.mark.parametrize(
    ("change", "magnitude", "values", "expected"),
    [
        (brightness, 0.5, [0, 100, 101, 200], [0, 150, 151, 255]),
        (brightness, -0.5, [0, 100, 101, 255], [0, 50, 50, 127]),
        # The mean is 100: each moves half of its distance from it, further or nearer.
        (contrast, 0.5, [60, 100, 140], [40, 100, 160]),
        (contrast, -0.5, [60, 100, 140], [80, 100, 120]),
        (color, 0.9, [60, 100, 140], [60, 100, 140]),
        (posterize, 8, [255, 130, 7], [255, 130, 7]),
        (posterize, 2, [255, 130, 63], [192, 128, 0]),
        (solarize, 0.5, [0, 127, 128, 255], [0, 127, 127, 0]),
        (solarize, 0.0, [0, 1, 255], [255, 254, 0]),
        (solarize, 1.0, [0, 254, 255], [0, 254, 0]),
        # 255 times a single-precision 1/255 is above one, so torchvision stops just below 255.
        (autocontrast, 0, [51, 102, 153], [0, 127, 254]),
        (autocontrast, 0, [9, 9], [9, 9]),
    ],
)
def test_grey_pixels(change, magnitude, values, expected):
    assert changed(change, magnitude, values) == expected


def test_contrast_of_a_mean_between_levels():
    """The mean of 60, 100 and 141 is 100.33: halves of the ways are 80.17, 100.17 and 120.67."""
    assert changed(contrast, -0.5, [60, 100, 141]) == [80, 100, 120]


def test_a_coloured_pixel_moves_from_its_grey():
    """Grey is 0.2989 x 100 + 0.587 x 200 + 0.114 x 50 = 152.99, taken as 152."""
    pixel = [[100], [200], [50]]
    assert changed(color, 0.5, pixel) == [[74], [224], [0]]
    assert changed(color, -0.5, pixel) == [[126], [176], [101]]


def test_sharpness_moves_the_middle_from_its_blur():
    """Around 130 are eight zeros: blurred it is 5 x 130 / 13 = 50, and 80 above that."""
    image = torch.zeros(1, 1, 3, 3, dtype=torch.uint8)
    image[0, 0, 1, 1] = 130
    for magnitude, middle in ((0.5, 170), (-0.5, 90), (-1.0, 50)):
        expected = image.clone()
        expected[0, 0, 1, 1] = middle
        assert torch.equal(sharpness(image, np.array([magnitude])), expected)


def test_sharpness_leaves_images_without_a_middle():
    image = torch.tensor([[[[1, 200], [200, 1]]]], dtype=torch.uint8)
    assert torch.equal(sharpness(image, np.array([0.9])), image)


def test_equalize_spreads_values():
    """512 pixels, two of each level 0 to 127 and 256 of 255: half of all are below 128."""
    levels = torch.arange(128).repeat_interleave(2)
    image = torch.cat([levels, torch.full((256,), 255)]).byte().view(1, 1, 16, 32)
    found = equalize(image, np.zeros(1)).flatten()
    assert found[255].item() == 254 and found[-1].item() == 255
    assert (found[:256].diff() >= 0).all()
