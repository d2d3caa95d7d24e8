"""Ids travel inside the batch, whatever the dataset and the collator."""

import pickle
from types import MappingProxyType

import pytest
import torch
from datasets import Dataset
from torch.utils.data import DataLoader, IterableDataset
from torch.utils.data.dataloader import default_collate
from transformers import BatchEncoding, default_data_collator

from conftest import table
from hf_dynsel.indexed import INDEX, IndexedCollator, IndexedDataset


class Squares(torch.utils.data.Dataset):
    """Map-style, one sample at a time."""

    def __len__(self):
        return 20

    def __getitem__(self, index):
        return {"x": index**2}


class Batched(Squares):
    """Fetches a batch at once, and notes what was asked for."""

    def __init__(self):
        self.asked = []

    def __getitem__(self, index):
        raise AssertionError("one by one is slow")

    def __getitems__(self, indices):
        self.asked.append(list(indices))
        return [{"x": index**2} for index in indices]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(3))


def loader(dataset, collate=default_collate, **settings):
    return DataLoader(IndexedDataset(dataset), collate_fn=IndexedCollator(collate), **settings)


@pytest.mark.parametrize(
    "dataset",
    [Squares(), Batched(), [{"x": i**2} for i in range(20)]],
    ids=["map", "batch", "list"],
)
def test_every_sample_comes_with_its_own_id(dataset):
    ids = []
    order = [7, 3, 19, 0, 11, 2, 5]
    for batch in loader(dataset, sampler=order, batch_size=3):
        assert batch["x"].tolist() == [i**2 for i in batch[INDEX].tolist()]
        assert batch[INDEX].dtype == torch.int64
        ids += batch[INDEX].tolist()
    assert ids == order


def test_a_dataset_that_can_fetches_a_batch_at_once():
    dataset = Batched()
    list(loader(dataset, sampler=[7, 3, 19, 0], batch_size=3))
    assert dataset.asked == [[7, 3, 19], [0]]


def test_ids_are_rows_of_the_dataset_given_not_of_the_table_behind_it():
    """Row 0 of the view is row 5 of the table."""
    view = Dataset.from_dict({"x": range(10)}).select([5, 2, 8])
    (batch,) = loader(view, batch_size=3)
    assert batch["x"].tolist() == [5, 2, 8]
    assert batch[INDEX].tolist() == [0, 1, 2]


def test_transforms_of_the_dataset_apply():
    dataset = Dataset.from_dict({"x": range(4)})
    dataset.set_transform(lambda rows: {"y": [10 * x for x in rows["x"]]})
    (batch,) = loader(dataset, sampler=[3, 1], batch_size=2)
    assert {name: value.tolist() for name, value in batch.items()} == {"y": [30, 10], INDEX: [3, 1]}


def test_the_length_is_that_of_the_dataset():
    assert len(IndexedDataset(Squares())) == 20


def test_ids_beyond_float32_and_float64_survive():
    ids = [2**24 + 1, 2**53 + 1]
    batch = IndexedCollator(lambda samples: {})(IndexedDataset(Squares()).__getitems__(ids))
    assert batch[INDEX].tolist() == ids


def test_a_batch_encoding_stays_one():
    def tokenized(samples):
        return BatchEncoding({"input_ids": torch.tensor([s["x"] for s in samples])})

    (batch,) = loader(Squares(), tokenized, sampler=[4, 2], batch_size=2)
    assert isinstance(batch, BatchEncoding)
    assert batch.to("cpu")[INDEX].tolist() == [4, 2]


def test_a_mapping_that_cannot_be_changed_is_copied():
    shared = MappingProxyType({"x": torch.zeros(1)})
    (batch,) = loader(Squares(), lambda samples: shared, sampler=[6], batch_size=1)
    assert batch[INDEX].tolist() == [6]
    assert list(shared) == ["x"]


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_dataset_and_collator_reach_spawned_workers(protocol):
    """A spawned worker gets both as a pickle."""
    sent = (IndexedDataset(table(6)), IndexedCollator(default_data_collator))
    dataset, collate = pickle.loads(pickle.dumps(sent, protocol))
    batch = collate(dataset.__getitems__([4, 1]))
    assert batch[INDEX].tolist() == [4, 1]
    assert torch.equal(batch["x"], table(6)[[4, 1]]["x"])


def test_no_training_set_is_refused():
    with pytest.raises(TypeError, match="needs a train_dataset; to evaluate only, use Trainer"):
        IndexedDataset(None)


@pytest.mark.parametrize(
    "build",
    [
        Stream,
        lambda: Dataset.from_dict({"x": [1]}).to_iterable_dataset(),
        lambda: (i for i in range(3)),
        lambda: {1, 2},
    ],
    ids=["torch", "datasets", "generator", "set"],
)
def test_streams_are_refused_by_name(build):
    stream = build()
    name = type(stream).__name__
    with pytest.raises(TypeError, match=f"map-style dataset, got {name}.*without streaming=True"):
        IndexedDataset(stream)


@pytest.mark.parametrize("batch", [[1, 2], torch.zeros(2), (torch.zeros(2),)])
def test_collators_must_return_a_mapping(batch):
    collate = IndexedCollator(lambda samples: batch)
    with pytest.raises(TypeError, match=f"collator returned {type(batch).__name__}; .* dictionary"):
        collate([IndexedDataset(Squares())[0]])
