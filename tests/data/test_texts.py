from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Features, Value
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import DataCollatorWithPadding, PreTrainedTokenizerFast

from hf_dynsel.data import tokenize

WORDS = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "a": 4, "b": 5, "c": 6}


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    )


@pytest.fixture
def dataset() -> Dataset:
    features = Features(text=Value("string"), label=ClassLabel(names=["x", "y"]))
    columns = {"text": ["a b", "a b c", "c", "a b c a"], "label": [0, 1, 0, 1]}
    return Dataset.from_dict(columns, features=features)


def test_long_texts_are_cut_with_their_end_mark_and_short_ones_not_padded(
    dataset: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    ids = tokenize(dataset, tokenizer, max_length=4)["input_ids"][:]
    assert ids == [[1, 4, 5, 2], [1, 4, 5, 2], [1, 6, 2], [1, 4, 5, 2]]


def test_the_share_of_cut_texts_is_logged(
    dataset: Dataset, tokenizer: PreTrainedTokenizerFast, caplog: pytest.LogCaptureFixture
) -> None:
    """The first text fills 4 tokens exactly; the second and the fourth do not fit."""
    tokenize(dataset, tokenizer, max_length=4)
    assert "50.0% of 4 texts were cut to 4 tokens" in caplog.text


def test_nothing_is_logged_if_all_fit(
    dataset: Dataset, tokenizer: PreTrainedTokenizerFast, caplog: pytest.LogCaptureFixture
) -> None:
    tokenize(dataset, tokenizer, max_length=6)
    assert not caplog.records


def test_other_columns_stay_and_the_text_goes(
    dataset: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    scored = dataset.add_column("score_el2n", [0.1, 0.2, 0.3, 0.4])
    tokenised = tokenize(scored, tokenizer, max_length=4)
    assert {"label", "score_el2n", "input_ids", "attention_mask"} <= set(tokenised.column_names)
    assert not {"text", "was_cut"} & set(tokenised.column_names)
    assert tokenised.features["label"] == dataset.features["label"]


def test_the_collator_pads_and_hands_on_the_labels(
    dataset: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    tokenised = tokenize(dataset, tokenizer, max_length=4)
    batch = DataCollatorWithPadding(tokenizer)([tokenised[0], tokenised[2]])
    assert batch["input_ids"].tolist() == [[1, 4, 5, 2], [1, 6, 2, 0]]
    assert batch["labels"].tolist() == [0, 0]


@pytest.mark.parametrize("max_length", [0, 17])
def test_a_length_the_model_cannot_take_is_refused(
    max_length: int, dataset: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    with pytest.raises(ValueError, match=f"from 1 to the model's 16 tokens, got {max_length}"):
        tokenize(dataset, tokenizer, max_length)


def test_a_dataset_without_text_is_refused(
    dataset: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    with pytest.raises(ValueError, match=r"no column 'text' .*there are: \['label'\]"):
        tokenize(dataset.remove_columns("text"), tokenizer, 4)


def test_a_second_call_is_read_from_the_cache(
    dataset: Dataset, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    dataset.save_to_disk(tmp_path / "texts")
    stored = Dataset.load_from_disk(tmp_path / "texts")
    first, second = (tokenize(stored, tokenizer, max_length=4) for _ in range(2))
    assert first.cache_files == second.cache_files


def test_a_batch_without_a_long_text_cuts_nothing(tokenizer, dataset):
    tokens = tokenize(dataset, tokenizer, max_length=12)
    assert [len(ids) for ids in tokens["input_ids"]] == [4, 5, 3, 6]
