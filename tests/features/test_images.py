import numpy as np
import pytest
from PIL import Image

from hf_dynsel.features.images import to_array, to_rgb

GREY = np.array([[0, 255, 7], [1, 2, 3]], dtype=np.uint8)
COLOUR = np.stack([GREY, GREY + 1, GREY + 2], axis=-1)


@pytest.mark.parametrize("value", [GREY, GREY.tolist(), Image.fromarray(GREY)])
def test_grey_values_become_one_array(value):
    np.testing.assert_array_equal(to_array(value), GREY, strict=True)


@pytest.mark.parametrize("value", [COLOUR, COLOUR.tolist(), Image.fromarray(COLOUR)])
def test_colour_values_become_one_array(value):
    np.testing.assert_array_equal(to_array(value), COLOUR, strict=True)


@pytest.mark.parametrize("value", [GREY, GREY[..., None], Image.fromarray(GREY)])
def test_grey_is_repeated_over_the_channels(value):
    np.testing.assert_array_equal(np.asarray(to_rgb(value)), np.stack([GREY] * 3, axis=-1))


def test_a_palette_gives_colours_not_numbers_of_colours():
    picture = Image.fromarray(COLOUR).convert("P", palette=Image.Palette.ADAPTIVE)
    np.testing.assert_array_equal(to_array(picture), COLOUR)


def test_black_and_white_is_0_and_255():
    assert to_array(Image.fromarray(GREY).convert("1", dither=0)).tolist() == [
        [0, 255, 0],
        [0, 0, 0],
    ]


@pytest.mark.parametrize("convert", [to_array, to_rgb])
def test_a_16_bit_picture_is_refused_not_clipped(convert):
    deep = Image.fromarray(GREY.astype(np.uint16) * 257)
    with pytest.raises(ValueError, match="mode 'I;16', more than 8 bits"):
        convert(deep)


@pytest.mark.parametrize("array", [GREY / 255, GREY.astype(int) * 2, GREY.astype(int) - 1])
def test_an_array_that_is_not_8_bit_is_refused(array):
    with pytest.raises(ValueError, match="integers from 0 to 255, got (float|int)64 from"):
        to_array(array)


def test_channels_first_is_refused():
    with pytest.raises(ValueError, match=r"got \(3, 4, 5\); move the channels to the end"):
        to_array(np.zeros((3, 4, 5), dtype=np.uint8))


def test_a_missing_image_is_refused():
    with pytest.raises(TypeError, match="got NoneType; cast the column"):
        to_array(None)
