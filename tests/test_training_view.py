"""What training does to its samples, put together."""

import pytest
import torch
from datasets import Dataset
from torch.utils.data.dataloader import default_collate

from augment_kit import MEAN, STD, Marking, Pictures, marks
from hf_dynsel.indexed import INDEX
from hf_dynsel.mixing import Mixing
from hf_dynsel.selectors import DynamicRandom
from hf_dynsel.training_view import TrainingView
from hf_dynsel.trivial_augment import TrivialAugmentWide

SIZE = 12


def batch(augment=None, mixing=None, selector=None, epoch=0):
    view = TrainingView(selector or Marking(), SIZE, 3, augment, mixing)
    view.start(epoch, marks(epoch, SIZE))
    rows = view.dataset(Pictures(SIZE)).__getitems__(range(SIZE))
    found = view.collator(default_collate)(rows)
    view.of_batch(found)
    return found


def test_images_are_augmented_first_and_mixed_then():
    """Of six pairs i and 11 - i, four have a marked sample."""
    augment, mixing = TrivialAugmentWide(MEAN, STD), Mixing(3, mixup_alpha=1.0)
    both, single = batch(augment, mixing), batch(augment)
    share = both["labels"][0, 0].item()
    expected = share * single["pixel_values"] + (1 - share) * single["pixel_values"].flip(0)
    assert torch.allclose(both["pixel_values"], expected, atol=1e-6)
    assert both[INDEX].tolist() == list(range(SIZE))


def test_mixing_on_the_host_and_augmenting_on_the_device_is_refused():
    augment = TrivialAugmentWide(MEAN, STD, on_device=True)
    with pytest.raises(ValueError, match="mixing joins images .* set on_device=False"):
        TrainingView(Marking(), SIZE, 0, augment, Mixing(3, mixup_alpha=1.0))


def test_without_either_batches_are_those_of_the_dataset():
    view = TrainingView(DynamicRandom(), SIZE, 3)
    found = view.collator(default_collate)(view.dataset(Pictures(SIZE)).__getitems__([5, 2]))
    expected = default_collate([Pictures(SIZE)[5], Pictures(SIZE)[2]])
    assert sorted(found) == sorted([INDEX, *expected])
    assert all(torch.equal(found[name], column) for name, column in expected.items())


def drawing(view, rows, collate=default_collate):
    return view.dataset(rows).draws is not None, view.collator(collate).draws is not None


def test_generators_are_set_only_where_something_may_draw():
    """Rows as they are stored, and torch's own collator, cannot."""
    stored = Dataset.from_dict({"x": [1.0]}).with_format("torch")
    changed = stored.with_transform(lambda rows: rows)
    plain = TrainingView(DynamicRandom(), 1, 3)
    assert drawing(plain, stored) == (False, False)
    assert drawing(plain, changed) == (True, False)
    assert drawing(plain, stored, lambda rows: {}) == (False, True)
    augmenting = TrainingView(Marking(), 1, 3, TrivialAugmentWide(MEAN, STD))
    assert drawing(augmenting, stored) == (True, False)
    mixing = TrainingView(DynamicRandom(), 1, 3, mixing=Mixing(3, mixup_alpha=1.0))
    assert drawing(mixing, stored) == (False, True)
