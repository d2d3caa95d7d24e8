"""Pixels that move: small images whose result a reader can see."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.augment_warp import rotate, shear_x, shear_y, translate_x, translate_y, warp

GRID = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def moved(source, amount, rows=GRID):
    image = torch.tensor(rows, dtype=torch.uint8)
    height, width = image.shape
    return warp(image[None, None], [source(amount, height, width)])[0, 0].tolist()


@pytest.mark.parametrize(
    ("source", "amount", "expected"),
    [
        (translate_x, 1.0, [[0, 1, 2], [0, 4, 5], [0, 7, 8]]),
        (translate_x, -1.9, [[2, 3, 0], [5, 6, 0], [8, 9, 0]]),
        (translate_y, 1.0, [[0, 0, 0], [1, 2, 3], [4, 5, 6]]),
        (translate_y, -2.0, [[7, 8, 9], [0, 0, 0], [0, 0, 0]]),
        (rotate, 90.0, [[3, 6, 9], [2, 5, 8], [1, 4, 7]]),
        (rotate, -90.0, [[7, 4, 1], [8, 5, 2], [9, 6, 3]]),
        (rotate, 45.0, [[2, 3, 6], [1, 5, 9], [4, 7, 8]]),
        (shear_x, 0.9, [[1, 2, 3], [5, 6, 0], [9, 0, 0]]),
        (shear_x, -0.9, [[1, 2, 3], [0, 4, 5], [0, 0, 7]]),
        (shear_y, 0.9, [[1, 5, 9], [4, 8, 0], [7, 0, 0]]),
        (shear_y, 0.0, GRID),
    ],
)
def test_pixels_move_as_drawn(source, amount, expected):
    """A shear of 0.9 moves the middles of the rows by 0.45, 1.35 and 2.25: none, one and two."""
    assert moved(source, amount) == expected


def test_every_image_moves_by_its_own_source():
    image = torch.tensor(GRID, dtype=torch.uint8)[None, None]
    both = warp(image.expand(2, 2, 3, 3), [translate_x(1, 3, 3), translate_y(1, 3, 3)])
    assert both[0].tolist() == [[[0, 1, 2], [0, 4, 5], [0, 7, 8]]] * 2
    assert both[1].tolist() == [[[0, 0, 0], [1, 2, 3], [4, 5, 6]]] * 2


@settings(deadline=None, max_examples=30)
@given(
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    shift=st.tuples(st.integers(-8, 8), st.integers(-8, 8)),
)
def test_a_translation_cuts_and_pads(size, shift):
    image = torch.arange(1, 1 + size[0] * size[1], dtype=torch.uint8).view(size)
    for amount, source, axis in zip(shift, (translate_x, translate_y), (1, 0), strict=True):
        expected = torch.zeros_like(image)
        length = image.shape[axis] - abs(amount)
        if length > 0:
            part = image.narrow(axis, max(0, -amount), length)
            expected.narrow(axis, max(0, amount), length).copy_(part)
        assert moved(source, float(amount), image.tolist()) == expected.tolist()


@settings(deadline=None, max_examples=30)
@given(height=st.integers(1, 6), width=st.integers(1, 6), degrees=st.sampled_from([90.0, -90.0]))
def test_where_every_source_is_between_two_pixels_one_of_them_is_taken(height, width, degrees):
    """At 90 degrees (x, y) comes from (-y, x) or (y, -x), between pixels if one side is odd."""
    image = torch.arange(1, 1 + height * width).view(height, width)
    found = moved(rotate, degrees, image.tolist())
    for row in range(height):
        for column in range(width):
            x, y = column - (width - 1) / 2, row - (height - 1) / 2
            across, down = (-y, x) if degrees > 0 else (y, -x)
            across, down = across + (width - 1) / 2, down + (height - 1) / 2
            near = {
                image[r][c].item() if 0 <= r < height and 0 <= c < width else 0
                for r in {int(down // 1), int(-(-down // 1))}
                for c in {int(across // 1), int(-(-across // 1))}
            }
            assert found[row][column] in near
