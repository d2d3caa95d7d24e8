"""Random numbers of a batch depend on the seed, the epoch and its rows, and on nothing else."""

import random

import numpy as np
import pytest
import torch
from datasets import Dataset
from torch.utils.data import default_collate
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorWithPadding,
    default_data_collator,
)

from hf_dynsel.draws import Draws, collates_only, stored


def drawn(draws, rows, stream=0):
    with draws.of(rows, stream):
        return random.random(), np.random.random(), torch.rand(1).item()


def test_a_batch_draws_the_same_whatever_was_drawn_before():
    first = drawn(Draws(3), [4, 5])
    torch.rand(7), np.random.random(7), random.random()
    assert drawn(Draws(3), [4, 5]) == first


def test_seed_epoch_rows_and_use_each_change_every_generator():
    later = Draws(3)
    later.set_epoch(1)
    every = [
        drawn(Draws(3), [4, 5]),
        drawn(Draws(4), [4, 5]),
        drawn(later, [4, 5]),
        drawn(Draws(3), [5, 4]),
        drawn(Draws(3), [4, 5], stream=1),
    ]
    for generator in zip(*every, strict=True):
        assert len(set(generator)) == len(every)


def test_the_global_generators_are_left_as_they_were():
    block = Draws(0).of([1], stream=0)  # made before: checking the types of tests draws numbers
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    with block:
        random.random(), np.random.random(), torch.rand(1)
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


TABLE = Dataset.from_dict({"x": [1, 2]})


@pytest.mark.parametrize("form", [None, "numpy", "torch"])
def test_a_table_without_a_transform_draws_nothing(form):
    assert stored(TABLE.with_format(form))


@pytest.mark.parametrize(
    "dataset", [TABLE.with_transform(lambda rows: rows), [{"x": 1}], "a name"], ids=type
)
def test_of_anything_else_nothing_is_known(dataset):
    assert not stored(dataset)


class Masking(DataCollatorWithPadding):
    """Might mask at random."""


@pytest.mark.parametrize(
    ("collate", "known"),
    [
        (default_data_collator, True),
        (default_collate, True),
        (DataCollatorWithPadding(None), True),
        (Masking(None), False),
        (DataCollatorForLanguageModeling(None, mlm=False), False),
        (lambda rows: {}, False),
    ],
)
def test_collators_that_only_collate_are_known_by_name(collate, known):
    assert collates_only(collate) is known
