"""Tokenises texts, cutting the long ones on purpose and saying how many were cut."""

from collections.abc import Mapping
from typing import Any

from datasets import Dataset
from transformers import PreTrainedTokenizerBase
from transformers.utils import logging

logger = logging.get_logger(__name__)


def tokenize(dataset: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int) -> Dataset:
    """Returns the dataset with token columns in place of `text`; other columns stay.

    Nothing is padded: `DataCollatorWithPadding` pads each batch to its longest text, and hands
    `label` to the model as `labels`. The share of texts that were cut is logged.

    Args:
        dataset: has a column `text`.
        tokenizer: the model's.
        max_length: tokens to keep of each text, special tokens included.

    Raises:
        ValueError: if there is no column `text`, or if the model cannot take so many tokens.
    """
    if "text" not in dataset.column_names:
        raise ValueError(
            f"there is no column 'text' to tokenise (there are: {dataset.column_names})"
        )
    if not 0 < max_length <= tokenizer.model_max_length:
        raise ValueError(
            f"max_length must be from 1 to the model's {tokenizer.model_max_length} tokens, "
            f"got {max_length}"
        )
    tokenised = dataset.with_format(None).map(
        _tokenize_batch,
        batched=True,
        fn_kwargs={"tokenizer": tokenizer, "max_length": max_length},
        remove_columns="text",
        desc="Tokenising",
    )
    cut = sum(tokenised["was_cut"][:])
    if cut:
        share = cut / len(tokenised)
        logger.warning(f"{share:.1%} of {len(tokenised):,} texts were cut to {max_length} tokens")
    return tokenised.remove_columns("was_cut")


def _tokenize_batch(
    rows: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> dict[str, list[Any]]:
    texts = rows["text"]
    tokens = tokenizer(texts, truncation=True, max_length=max_length)
    full = [i for i, ids in enumerate(tokens["input_ids"]) if len(ids) == max_length]
    # A text of this length may fit exactly: one more token tells.
    was_cut = [False] * len(texts)
    if full:  # tokenisers refuse an empty batch
        longer = tokenizer([texts[i] for i in full], truncation=True, max_length=max_length + 1)
        for i, ids in zip(full, longer["input_ids"], strict=True):
            was_cut[i] = len(ids) > max_length
    return {**tokens, "was_cut": was_cut}
