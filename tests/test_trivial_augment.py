"""Images in samples and in batches: normalisation undone and done again, to the bit."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data.dataloader import default_collate

from augment_kit import MEAN, STD, Marking, Pictures, by_torchvision, marks
from hf_dynsel.augment import AUGMENT, Augmentation, Marked
from hf_dynsel.augment_ops import draw, trivial_augment_wide
from hf_dynsel.data import ImageTransform
from hf_dynsel.indexed import INDEX, IndexedCollator, IndexedDataset
from hf_dynsel.selectors.counter_random import splitmix64
from hf_dynsel.trivial_augment import TrivialAugmentWide

KEYS = splitmix64(3, np.arange(60))


def augmented(dataset, epoch=0, **settings):
    made = Augmentation(TrivialAugmentWide(**settings), Marking(), len(dataset), seed=1)
    made.start(epoch, marks(epoch, len(dataset)))
    return made


def images_of(dataset, made=None):
    rows = IndexedDataset(dataset, augmentation=made).__getitems__(range(len(dataset)))
    return torch.stack([row.sample["pixel_values"] for row in rows])


def test_marked_images_are_torchvisions_and_the_others_the_clean_ones():
    """To the bit, normalisation included; those that torchvision leaves alone stay as well."""
    dataset = Pictures(60)
    clean, found = images_of(dataset), images_of(dataset, augmented(dataset, mean=MEAN, std=STD))
    rows = torch.arange(0, 60, 3)
    drawn = augmented(dataset)._of(rows.tolist())
    numbers, magnitudes = draw(drawn.keys)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (MEAN, STD))
    changed = 0
    for row, number, magnitude in zip(rows, numbers, magnitudes, strict=True):
        level = by_torchvision(dataset.levels[row : row + 1], number, [magnitude])[0]
        assert torch.equal(found[row], (level.float() / 255 - mean) / std)
        changed += not torch.equal(found[row], clean[row])
    assert changed >= 15
    others = torch.arange(60) % 3 != 0
    assert torch.equal(found[others], clean[others])


def test_marked_samples_keep_their_other_columns():
    dataset = Pictures(6)
    made = augmented(dataset, mean=MEAN, std=STD)
    for row in IndexedDataset(dataset, augmentation=made).__getitems__(range(6)):
        assert row.sample["labels"] == row.row % 3


def test_an_image_transform_is_undone_and_repeated():
    """With a key whose operation changes nothing, the sample comes back as it was."""
    pictures = np.random.default_rng(0).integers(0, 256, (20, 9, 8, 3), np.uint8)
    columns = {"image": [Image.fromarray(picture) for picture in pictures], "label": [0] * 20}
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    dataset = Dataset.from_dict(columns).with_transform(ImageTransform(mean, std))
    nothing = np.zeros(20, np.uint64)
    clean = dataset.__getitems__(list(range(20)))
    same = TrivialAugmentWide(mean, std).samples(clean, nothing)
    for one, other in zip(clean, same, strict=True):
        assert torch.equal(one["pixel_values"], other["pixel_values"])
        assert one["labels"] == other["labels"]


@settings(deadline=None, max_examples=40)
@given(
    mean=st.floats(-0.5, 1.5, width=32),
    std=st.floats(0.0625, 4, width=32),
    seed=st.integers(0, 9),
)
def test_any_normalisation_of_eight_bits_is_undone_exactly(mean, std, seed):
    levels = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    image = (levels.float() / 255 - mean) / std
    key = splitmix64(seed, np.arange(1))
    (sample,) = TrivialAugmentWide((mean,), (std,)).samples([{"pixel_values": image}], key)
    expected = trivial_augment_wide(levels[None], key)[0]
    assert torch.equal(sample["pixel_values"], (expected.float() / 255 - mean) / std)


def test_eight_bit_images_are_changed_as_they_are():
    dataset = Pictures(30, normalised=False, channels=1)
    found = images_of(dataset, augmented(dataset))
    made = augmented(dataset)._of(range(30))
    assert found.dtype == torch.uint8
    assert torch.equal(found[made.rows], trivial_augment_wide(dataset.levels[made.rows], made.keys))


def test_images_of_several_sizes_are_changed_each_as_alone():
    sizes = [(5, 4), (6, 6), (5, 4), (3, 9)]
    images = [torch.randint(0, 256, (3, *size), dtype=torch.uint8) for size in sizes]
    samples = [{"pixels": image} for image in images]
    together = TrivialAugmentWide(key="pixels").samples(samples, KEYS[:4])
    for image, sample, key in zip(images, together, KEYS, strict=False):
        assert torch.equal(sample["pixels"], trivial_augment_wide(image[None], np.array([key]))[0])


@pytest.mark.parametrize("settings", [{"mean": MEAN, "std": STD}, {}], ids=["float", "bytes"])
def test_on_the_device_images_are_those_of_the_workers(settings):
    dataset = Pictures(40, normalised=bool(settings))
    in_worker = augmented(dataset, **settings)
    on_device = augmented(dataset, on_device=True, **settings)
    for rows in ([4, 0, 39, 6, 9], [1, 2], list(range(10, 40))):
        batches = []
        for made in (in_worker, on_device):
            collate = IndexedCollator(default_collate, augmentation=made)
            batch = collate(IndexedDataset(dataset, augmentation=made).__getitems__(rows))
            made.of_batch(batch)
            assert sorted(batch) == [INDEX, "labels", "pixel_values"]
            batches.append(batch)
        for name, column in batches[0].items():
            assert torch.equal(column, batches[1][name])


def test_on_the_device_the_loader_leaves_images_alone_and_notes_what_to_do():
    dataset = Pictures(6)
    made = augmented(dataset, mean=MEAN, std=STD, on_device=True)
    assert torch.equal(images_of(dataset, made), images_of(dataset))
    collate = IndexedCollator(default_collate, augmentation=made)
    batch = collate(IndexedDataset(dataset).__getitems__([1, 3, 0]))
    assert isinstance(batch[AUGMENT], Marked) and batch[AUGMENT].rows.tolist() == [1, 2]


def test_a_batch_shares_no_memory_with_what_it_was_made_of():
    levels = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    before, batch = levels.clone(), {"pixel_values": levels}
    TrivialAugmentWide(on_device=True).batch(batch, np.arange(4), KEYS[:4])
    assert torch.equal(levels, before)
    assert not torch.equal(batch["pixel_values"], before)


FLOAT = torch.zeros(3, 4, 4)
BYTES = torch.zeros(3, 4, 4, dtype=torch.uint8)
NORMALISED = {"mean": MEAN, "std": STD}


@pytest.mark.parametrize(
    ("sample", "settings", "error", "message"),
    [
        (
            {"image": FLOAT},
            NORMALISED,
            ValueError,
            r"no 'pixel_values'.* but \['image'\]; pass key=",
        ),
        ((FLOAT, 1), NORMALISED, ValueError, "no 'pixel_values' to augment, but tuple"),
        ({"pixel_values": [[1]]}, {}, TypeError, "must be a torch tensor.*, got list.*transform"),
        ({"pixel_values": FLOAT}, {}, ValueError, "torch.float32.* if you pass the mean and std"),
        ({"pixel_values": BYTES}, NORMALISED, ValueError, "8-bit values.*leave them out"),
        ({"pixel_values": FLOAT.double()}, NORMALISED, ValueError, "type torch.float64"),
        ({"pixel_values": FLOAT[:2]}, NORMALISED, ValueError, r"1 or 3 channels, got \(2, 4, 4\)"),
        ({"pixel_values": FLOAT[0]}, NORMALISED, ValueError, r"1 or 3 channels, got \(4, 4\)"),
        ({"pixel_values": FLOAT[:1]}, NORMALISED, ValueError, "mean has 3 values and.* 1 channels"),
        ({"pixel_values": FLOAT + 9}, NORMALISED, ValueError, "goes from 2.20 to 3.30, and images"),
    ],
)
def test_samples_of_another_kind_are_refused_with_the_remedy(sample, settings, error, message):
    with pytest.raises(error, match=message):
        TrivialAugmentWide(**settings).samples([sample], KEYS[:1])


def test_batches_of_another_kind_are_refused():
    with pytest.raises(
        ValueError, match=r"shape \(samples, channels, height, width\).*\(3, 4, 4\)"
    ):
        TrivialAugmentWide().batch({"pixel_values": BYTES}, np.arange(1), KEYS[:1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mean": MEAN}, "give both mean and std, or neither; got"),
        ({"mean": (0.5, 0.5), "std": (0.5,)}, "mean must have one value, or one for each of 3"),
        ({"mean": (0.5,), "std": (0.0,)}, r"std must be above 0, got \[0.0\]"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TrivialAugmentWide(**settings)
