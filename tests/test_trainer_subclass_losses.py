"""Samples told apart by the trainers of other libraries: their losses, signals and weights."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset

import text_kit
from conftest import LossDriven
from hf_dynsel import Selection, Selector
from hf_dynsel.selectors import SelectiveBackprop
from text_kit import ROWS, seq2seq, sft, sft_with_lora

# SFTConfig and peft call recomputed activations by a name that transformers is to drop.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]


def chats():
    return Dataset.from_dict(
        {
            "messages": [
                [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]
                for ask, answer in text_kit.halves()
            ]
        }
    )


def chatting():
    """Returns a tokenizer whose template marks what the assistant said."""
    words = deepcopy(text_kit.tokenizer())
    words.chat_template = (
        "{% for message in messages %}{% if message['role'] == 'assistant' %}"
        "{% generation %}{{ message['content'] | trim }}[SEP]{% endgeneration %}"
        "{% else %}{{ message['content'] }}{% endif %}{% endfor %}"
    )
    return words


FORMATS = {
    "texts": lambda: {"train_dataset": text_kit.plain_texts()},
    "prompts": lambda: {"train_dataset": text_kit.prompts()},
    "chats": lambda: {
        "train_dataset": chats(),
        "processing_class": chatting(),
        "assistant_only_loss": True,
    },
}


def next_token_losses(model, row):
    """Returns the losses of one text by itself, one for each token that is a target."""
    ids, labels = (torch.tensor(row[name])[None] for name in ("input_ids", "labels"))
    logits = model(input_ids=ids).logits
    kept = labels[0, 1:] != -100
    return F.cross_entropy(logits[0, :-1][kept], labels[0, 1:][kept], reduction="none")


@pytest.mark.parametrize("shape", FORMATS)
def test_a_texts_loss_is_the_mean_over_its_own_targets(shape, tmp_path):
    """At a learning rate of zero; the 16 rows of the first epoch are the first."""
    trainer = sft(tmp_path, LossDriven(), num_train_epochs=1, learning_rate=0.0, **FORMATS[shape]())
    trainer.train()
    masked = [-100 in labels for labels in trainer.train_dataset["labels"][:]]
    assert masked == [shape != "texts"] * ROWS
    model = text_kit.llama()
    expected = [next_token_losses(model, trainer.train_dataset[i]).mean().item() for i in range(16)]
    np.testing.assert_allclose(trainer.selector.losses[:16], expected, rtol=1e-5)


def test_weights_count_in_sft(tmp_path):
    """One step over 16 texts: minus the gradient of the weighted sum over the tokens' number."""
    trainer = sft(
        tmp_path,
        LossDriven(),
        num_train_epochs=1,
        learning_rate=1.0,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=2,
        max_grad_norm=0.0,
    )
    trainer.train()
    model = text_kit.llama()
    losses = [next_token_losses(model, trainer.train_dataset[i]) for i in range(16)]
    weighted = sum(own.sum() * (1 + i % 2) for i, own in enumerate(losses))
    (weighted / sum(len(own) for own in losses)).backward()
    for trained, fresh in zip(trainer.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(trained, fresh - fresh.grad, rtol=1e-4, atol=1e-6)


@dataclass
class Noting(Selector):
    """Trains on everything and keeps the last feedback."""

    wanted: str = "entropy"

    @property
    def signals(self):
        return frozenset({self.wanted})

    def select(self, epoch):
        return Selection(np.arange(self.pool.size))

    def observe(self, feedback):
        self.seen = feedback.signals[self.wanted]


def entropy(logits, labels):
    return torch.distributions.Categorical(logits=logits).entropy()


def correct(logits, labels):
    return (logits.argmax(1) == labels).float()


@pytest.mark.parametrize("signal", [entropy, correct], ids=["entropy", "correct"])
def test_signals_of_a_text_are_means_over_its_tokens(signal, tmp_path):
    trainer = sft(tmp_path, Noting(wanted=signal.__name__), num_train_epochs=1, learning_rate=0.0)
    trainer.train()
    model, rows = (
        text_kit.llama(),
        [torch.tensor(ids) for ids in trainer.train_dataset["input_ids"]],
    )
    expected = [signal(model(ids[None]).logits[0, :-1], ids[1:]).mean().item() for ids in rows]
    np.testing.assert_allclose(trainer.selector.seen, expected, rtol=1e-5)


def test_signals_that_need_logits_are_refused_by_sft(tmp_path):
    trainer = sft(tmp_path, Noting(wanted="margin"))
    with pytest.raises(ValueError, match="'margin' is computed from logits, and SFTTrainer never"):
        trainer.train()


def test_another_loss_than_the_texts_own_is_refused(tmp_path):
    trainer = sft(tmp_path, LossDriven(), loss_type="dft")
    with pytest.raises(ValueError, match="its loss is not the one"):
        trainer.train()


@pytest.mark.parametrize("build", [sft, seq2seq])
def test_a_selector_that_looks_first_trains_on_some_texts(build, tmp_path):
    trainer = build(tmp_path, SelectiveBackprop())
    trainer.train()
    assert [len(ids) for ids in trainer.epochs()] == [ROWS] * 3
    assert 0 < trainer.sampler.usage.sum() < 3 * ROWS


def test_the_losses_of_seq2seq_are_the_models(tmp_path):
    trainer = seq2seq(tmp_path, LossDriven(), num_train_epochs=1, learning_rate=0.0)
    trainer.train()
    model, rows = text_kit.t5(), text_kit.translations()
    alone = [
        {name: torch.tensor(rows[i][name])[None] for name in ("input_ids", "labels")}
        for i in range(16)
    ]
    expected = [model(**row).loss.item() for row in alone]
    np.testing.assert_allclose(trainer.selector.losses[:16], expected, rtol=1e-5)


def test_only_adapters_learn_from_the_selection(tmp_path):
    trainer = sft_with_lora(tmp_path, LossDriven())
    trainer.train()
    assert [len(ids) for ids in trainer.epochs()] == [16, 16, 16]
    assert (trainer.selector.losses < 9).all()
    before, after = text_kit.llama().state_dict(), trainer.model.get_base_model().state_dict()
    frozen = {name.replace(".base_layer", ""): after[name] for name in after if "lora" not in name}
    assert all(torch.equal(frozen[name], before[name]) for name in before)
    assert all(after[name].any() for name in after if "lora_B" in name)
