"""The same images with no workers and with four, persistent, forked and spawned."""

import pytest
import torch
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import default_collate

from augment_kit import MEAN, STD, Marking, Pictures, marks
from hf_dynsel.core import Selection
from hf_dynsel.indexed import INDEX
from hf_dynsel.training_view import TrainingView
from hf_dynsel.trivial_augment import TrivialAugmentWide

SIZE, EPOCHS = 36, 3

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker:UserWarning")


def epochs(order=range(SIZE), batch_size=5, **settings):
    """The images of each epoch in the order of rows, from one loader."""
    view = TrainingView(Marking(), SIZE, 11, TrivialAugmentWide(MEAN, STD))
    loader = DataLoader(
        view.dataset(Pictures(SIZE)),
        batch_size,
        sampler=list(order),
        collate_fn=view.collator(default_collate),
        **settings,
    )
    found = []
    for epoch in range(EPOCHS):
        view.start(epoch, marks(epoch, SIZE))
        batches = list(loader)
        ids = torch.cat([batch[INDEX] for batch in batches])
        found.append(torch.cat([batch["pixel_values"] for batch in batches])[ids.argsort()])
    return torch.stack(found)


@pytest.fixture(scope="module")
def alone():
    return epochs()


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 7, "order": reversed(range(SIZE))},
        {"num_workers": 4},
        {"num_workers": 4, "multiprocessing_context": "fork", "persistent_workers": True},
        {"num_workers": 1, "multiprocessing_context": "spawn", "persistent_workers": True},
    ],
    ids=["other_batches", "workers", "fork", "spawn"],
)
def test_images_do_not_depend_on_workers_or_batches(alone, settings):
    assert torch.equal(epochs(**settings), alone)


def test_each_epoch_marks_anew_and_draws_anew(alone):
    clean = torch.stack(
        [sample["pixel_values"] for sample in map(Pictures(SIZE).__getitem__, range(SIZE))]
    )
    for epoch, images in enumerate(alone):
        marked = marks(epoch, SIZE).augment
        same = torch.tensor([torch.equal(*pair) for pair in zip(images, clean, strict=True)])
        assert same[~torch.from_numpy(marked)].all()
        assert (~same).sum() >= 8  # of 12; an operation may change nothing
    view = TrainingView(Marking(), SIZE, 11, TrivialAugmentWide(MEAN, STD))
    again = []
    for epoch in (0, 3):  # they mark the same rows
        view.start(epoch, Selection(marks(0, SIZE).indices, augment=marks(0, SIZE).augment))
        again.append(
            [
                row.sample["pixel_values"]
                for row in view.dataset(Pictures(SIZE)).__getitems__(range(0, SIZE, 3))
            ]
        )
    assert sum(torch.equal(*pair) for pair in zip(*again, strict=True)) < 4
