"""The order of an epoch: random, as selected, or grouped by length, inside the selection."""

import numpy as np
import pytest
from datasets import Dataset

from conftest import Sized
from hf_dynsel.lengths import by_length, lengths_of
from hf_dynsel.ordering import as_selected, shuffled
from trainer_kit import build

CHOSEN = np.array([7, 3, 11, 5, 2])


def test_shuffling_is_a_function_of_the_generator():
    first, again = (shuffled(CHOSEN, np.random.default_rng(0)) for _ in range(2))
    assert np.array_equal(first, again)
    assert sorted(first) == sorted(CHOSEN)
    assert not np.array_equal(first, shuffled(CHOSEN, np.random.default_rng(1)))


def test_a_curriculum_keeps_the_selectors_order():
    assert as_selected(CHOSEN, np.random.default_rng(0)).tolist() == CHOSEN.tolist()


def test_samples_of_similar_length_are_batched_together():
    """Of 400 samples of random lengths, batches of eight differ by far less than random ones."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 500, 1000)
    chosen = rng.choice(1000, 400, replace=False)
    order = by_length(lengths.tolist(), 8)(chosen, np.random.default_rng(1))
    assert sorted(order) == sorted(chosen)
    assert lengths[order[0]] == lengths[chosen].max()

    def spread(indices):
        return np.ptp(lengths[indices].reshape(-1, 8), axis=1).mean()

    assert spread(order) < spread(chosen) / 4


def test_lengths_come_from_a_column_or_from_the_tokens():
    texts = {"input_ids": [[1, 2, 3], [1], [1, 2]], "attention_mask": [[1, 1, 1], [1], [1, 1]]}
    dataset = Dataset.from_dict(texts).with_format("torch")
    assert lengths_of(dataset, "length", "input_ids") == [3, 1, 2]
    counted = dataset.add_column("length", [9, 8, 7])
    assert lengths_of(counted, "length", "input_ids") == [9, 8, 7]
    assert lengths_of([{"input_ids": [1, 2]}], "length", "input_ids") == [2]


def test_without_lengths_the_error_says_what_there_is():
    with pytest.raises(ValueError, match=r"a column 'length' or 'input_ids', and .* has: x, y"):
        lengths_of(Dataset.from_dict({"x": [1], "y": [2]}), "length", "input_ids")
    with pytest.raises(ValueError, match="has: tuple"):
        lengths_of([(1, 2)], "length", "input_ids")


@pytest.mark.parametrize("strategy", ["group_by_length", "sequential"])
def test_the_trainer_orders_inside_the_selection(strategy, tmp_path):
    from conftest import table

    dataset = table(24).add_column("length", [1 + i % 7 for i in range(24)])
    sizes = (12, 24, 7, 16)
    trainer = build(
        tmp_path, Sized(sizes=sizes), train_dataset=dataset, train_sampling_strategy=strategy
    )
    trainer.train()
    for epoch, trained in enumerate(trainer.epochs()):
        chosen = Sized.select(trainer.selector, epoch).indices
        assert sorted(trained) == sorted(chosen.tolist())
        if strategy == "sequential":
            assert trained == chosen.tolist()
        else:
            assert dataset[trained[0]]["length"] == max(dataset[chosen]["length"])


def test_moving_samples_between_processes_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'batch_rebalance' moves samples .* use 'random'"):
        build(tmp_path, Sized(), train_sampling_strategy="batch_rebalance")
