"""Exactly the marked samples are augmented, each by a key of its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augment_kit import Marking, Suffix, marks
from hf_dynsel.augment import AUGMENT, Augmentation, Augmenter, require_augmenter
from hf_dynsel.core import Selection
from hf_dynsel.indexed import INDEX, IndexedCollator, IndexedDataset
from hf_dynsel.selectors import DynamicRandom

TEXTS = [f"text {row}" for row in range(30)]


def augmentation(augmenter=None, epoch=0, seed=7, size=30):
    made = Augmentation(augmenter or Suffix(), Marking(), size, seed)
    made.start(epoch, marks(epoch, size))
    return made


def seen(rows, **settings):
    """What a loader sees of some rows, by row."""
    dataset = IndexedDataset(TEXTS, augmentation=augmentation(**settings))
    return {item.row: item.sample for item in dataset.__getitems__(rows)}


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_marked_samples_change_and_the_others_are_the_same_objects(epoch):
    for row, sample in seen(range(30), epoch=epoch).items():
        if (row + epoch) % 3 == 0:
            assert sample.startswith(f"text {row} ")
        else:
            assert sample is TEXTS[row]


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(st.integers(0, 29), min_size=1, max_size=8), epoch=st.integers(0, 3))
def test_a_sample_does_not_depend_on_its_batch(rows, epoch):
    together = seen(rows, epoch=epoch)
    assert together == {row: seen([row], epoch=epoch)[row] for row in rows}


def test_seed_epoch_and_row_each_change_the_key():
    every = [seen([0, 3], seed=1), seen([0, 3], seed=2), seen([0, 3], seed=1, epoch=3)]
    keys = [text.split()[-1] for found in every for text in found.values()]
    assert len(set(keys)) == 6


def test_an_epoch_forgets_the_marks_of_the_one_before():
    made = augmentation()
    made.start(1, Selection(np.array([4, 2, 9]), augment=np.array([False, True, False])))
    assert [
        sample == text
        for sample, text in zip(made.of_samples(range(30), TEXTS), TEXTS, strict=True)
    ] == [row != 2 for row in range(30)]
    made.start(2, Selection(np.arange(30)))
    assert made.of_samples(range(30), TEXTS) is TEXTS


def test_without_an_augmenter_samples_pass():
    made = Augmentation(None, DynamicRandom(), 30, 0)
    made.start(0, Selection(np.arange(30), augment=np.zeros(30, bool)))
    assert made.of_samples(range(30), TEXTS) is TEXTS


def test_marks_without_an_augmenter_are_refused_before_training():
    with pytest.raises(
        ValueError, match=r"Marking marks samples.*no augmenter; pass augment=.*Triv"
    ):
        Augmentation(None, Marking(), 30, 0)


def test_marks_of_a_selector_that_kept_them_quiet_are_refused():
    made = Augmentation(None, DynamicRandom(), 30, 0)
    with pytest.raises(ValueError, match="DynamicRandom marks samples.*pass augment="):
        made.start(0, marks(0, 30))


def test_an_augmenter_that_nothing_is_marked_for_is_refused():
    with pytest.raises(
        ValueError, match="DynamicRandom marks no samples.*augment= would do nothing"
    ):
        Augmentation(Suffix(), DynamicRandom(), 30, 0)


def test_what_is_no_augmenter_is_refused_by_name():
    with pytest.raises(TypeError, match="must be an Augmenter, got function; pass hf_dynsel.Triv"):
        require_augmenter(lambda sample: sample, Marking())


class Short(Augmenter):
    def samples(self, samples, keys):
        return list(samples)[1:]


def test_an_augmenter_must_return_every_sample():
    with pytest.raises(ValueError, match=r"Short.samples returned 9 samples for 10; return each"):
        augmentation(Short()).of_samples(range(30), TEXTS)


def test_batches_carry_nothing_where_samples_are_augmented_in_workers():
    collate = IndexedCollator(lambda samples: {"texts": samples}, augmentation=augmentation())
    batch = collate(IndexedDataset(TEXTS).__getitems__([0, 1]))
    assert sorted(batch) == [INDEX, "texts"]
    augmentation().of_batch(batch)
    assert batch["texts"] == TEXTS[:2] and AUGMENT not in batch


class Word(Augmenter):
    """Draws a number as the documentation says."""

    def samples(self, samples, keys):
        return [int(np.random.default_rng(int(key)).integers(100)) for key in keys]


def test_a_generator_from_the_key_repeats_itself():
    first, second = (augmentation(Word()).of_samples(range(30), TEXTS) for _ in range(2))
    assert first == second
    assert len({value for value in first if isinstance(value, int)}) > 5
