"""TrivialAugmentWide in batches: to the bit torchvision's, image by image."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from torchvision.transforms.v2 import TrivialAugmentWide

from augment_kit import by_torchvision, clothes, photos, strengths
from hf_dynsel import augment_ops
from hf_dynsel.augment_ops import BINS, MAGNITUDES, SIGNED, apply, draw, trivial_augment_wide
from hf_dynsel.selectors.counter_random import splitmix64

SPACE = TrivialAugmentWide._AUGMENTATION_SPACE


def keys(count, stream=1):
    return splitmix64(stream, np.arange(count))


@pytest.mark.parametrize("number", range(len(SPACE)), ids=list(SPACE))
@pytest.mark.parametrize(
    "images",
    [clothes(2), photos(64, 64), photos(66, 80), photos(33, 21), photos(2, 9)],
    ids=["clothes", "photos", "landscape", "odd", "tiny"],
)
def test_every_operation_at_every_strength_is_torchvisions(images, number):
    magnitudes = np.repeat(strengths(number), len(images))
    batch = images.repeat(len(magnitudes) // len(images), 1, 1, 1)
    found = apply(batch, np.full(len(batch), number), magnitudes)
    assert torch.equal(found, by_torchvision(batch, number, magnitudes))


def test_contrast_is_torchvisions_where_a_sum_of_grey_levels_is_no_float():
    """224 x 224 levels up to 255 add up to 12,794,880, below 2**24: the mean is exact."""
    images = photos(224, 224)
    magnitudes = np.array([0.33, -0.66])
    found = apply(images, np.array([8, 8]), magnitudes)
    assert torch.equal(found, by_torchvision(images, 8, magnitudes))


def test_operations_and_strengths_are_those_of_torchvision():
    assert len(MAGNITUDES) == len(SPACE) == 14
    for number, (made, signed) in enumerate(SPACE.values()):
        values = made(BINS, 224, 224)
        expected = np.zeros(BINS) if values is None else values.double().numpy()
        assert np.array_equal(MAGNITUDES[number], expected)
        assert SIGNED[number] == signed


def test_every_operation_bin_and_sign_is_equally_likely():
    numbers, magnitudes = draw(keys(140_000))
    assert chisquare(np.bincount(numbers, minlength=14)).pvalue > 0.01
    for number in np.flatnonzero(np.ptp(MAGNITUDES, axis=1) > 0):
        own = magnitudes[numbers == number]
        bins = [(np.abs(own) == value).sum() for value in np.unique(MAGNITUDES[number])]
        if number != 10:  # of posterizing, several bins leave as many bits
            assert chisquare(bins).pvalue > 0.001
        assert SIGNED[number] == (own < 0).any()
        if SIGNED[number]:
            assert chisquare([(own < 0).sum(), (own > 0).sum()]).pvalue > 0.001


def test_neighbouring_rows_and_streams_draw_apart():
    """Of 14 operations, one in 14 pairs agrees."""
    first, _ = draw(keys(20_000, 1))
    second, _ = draw(keys(20_000, 2))
    for left, right in ((first[1:], first[:-1]), (first, second)):
        agree = (left == right).sum()
        assert (
            chisquare([agree, len(left) - agree], [len(left) / 14, len(left) * 13 / 14]).pvalue
            > 0.01
        )


@settings(deadline=None, max_examples=20)
@given(data=st.data(), channels=st.sampled_from([1, 3]), size=st.tuples(*[st.integers(1, 9)] * 2))
def test_an_image_does_not_depend_on_its_batch(data, channels, size):
    count = data.draw(st.integers(1, 12))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    images = torch.randint(0, 256, (count, channels, *size), generator=generator).byte()
    order = np.array(data.draw(st.permutations(range(count))))
    drawn = keys(count, data.draw(st.integers(0, 99)))
    together = trivial_augment_wide(images, drawn)
    assert torch.equal(trivial_augment_wide(images[order], drawn[order]), together[order])
    for row in range(count):
        alone = trivial_augment_wide(images[row : row + 1], drawn[row : row + 1])
        assert torch.equal(alone[0], together[row])


def test_parts_that_fit_a_cache_come_to_the_same(monkeypatch):
    images, drawn = clothes(50), keys(50)
    together = trivial_augment_wide(images, drawn)
    monkeypatch.setattr(augment_ops, "CACHED", 1)
    assert torch.equal(trivial_augment_wide(images, drawn), together)


def test_the_images_given_are_not_changed():
    images = clothes(40)
    before = images.clone()
    trivial_augment_wide(images, keys(40))
    assert torch.equal(images, before)
