"""Batches of samples of similar length, inside a selection."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers.trainer_pt_utils import get_length_grouped_indices

from hf_dynsel.ordering import Indices, Order, as_selected, shuffled


def order_of(args: Any, dataset: Any, processing: Any, batch_size: int) -> Order:
    """Returns the order that `train_sampling_strategy` asks for.

    Args:
        args: the strategy and `length_column_name` are read.
        dataset: whose samples have a length.
        processing: the tokenizer, if any; it says where a sample has its tokens.
        batch_size: samples per optimizer step, over all processes.

    Raises:
        ValueError: if the strategy needs lengths and there are none.
    """
    if args.train_sampling_strategy == "group_by_length":
        tokens = "input_ids" if processing is None else processing.model_input_names[0]
        return by_length(lengths_of(dataset, args.length_column_name, tokens), batch_size)
    return as_selected if args.train_sampling_strategy == "sequential" else shuffled


def by_length(lengths: Sequence[int], batch_size: int) -> Order:
    """Returns an order that puts samples of similar length into the same batches, at random.

    Args:
        lengths: of every sample of the pool, in tokens.
        batch_size: samples per optimizer step, over all processes.
    """
    every = np.asarray(lengths)

    def grouped(indices: Indices, rng: np.random.Generator) -> Indices:
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        places = get_length_grouped_indices(
            every[indices].tolist(), batch_size, generator=generator
        )
        ordered: Indices = indices[np.asarray(places)]
        return ordered

    return grouped


def lengths_of(dataset: Any, column: str, tokens: str) -> list[int]:
    """Returns the length of each sample: a column that holds it, or the length of its tokens.

    Raises:
        ValueError: if the samples have neither.
    """
    if isinstance(dataset, Dataset):
        plain = dataset.with_format(None)
        if column in dataset.column_names:
            return list(plain[column])
        if tokens in dataset.column_names:
            return [len(row) for row in plain[tokens]]
        names = ", ".join(dataset.column_names)
    else:
        first = dataset[0]
        names = ", ".join(first) if isinstance(first, dict) else type(first).__name__
        if isinstance(first, dict) and tokens in first:
            return [len(dataset[row][tokens]) for row in range(len(dataset))]
    raise ValueError(
        f"train_sampling_strategy='group_by_length' needs a column '{column}' or '{tokens}', and "
        f"the training set has: {names}. Add one, or name it in length_column_name"
    )
