"""The trainers of other libraries select as `Trainer` does; what does not apply is refused."""

import pickle
from dataclasses import fields

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments
from torch.utils.data import DataLoader
from transformers import HfArgumentParser, Seq2SeqTrainingArguments, Trainer
from trl import SFTConfig

import text_kit
import trainer_kit
from conftest import LossDriven, Sized
from hf_dynsel import DynamicSelectionArguments, DynamicSelectionMixin
from hf_dynsel.selectors import DynamicRandom, TopScore
from text_kit import ROWS, sentences, seq2seq, sft, sft_with_lora

SIZES = (20, 12, 8)

TRAINERS = {"sft": sft, "seq2seq": seq2seq, "sentences": sentences}
ARGUMENTS = {
    SFTConfig: text_kit.SftArguments,
    Seq2SeqTrainingArguments: text_kit.Seq2SeqArguments,
    SentenceTransformerTrainingArguments: text_kit.SentenceArguments,
}


@pytest.fixture(params=TRAINERS)
def build(request):
    return TRAINERS[request.param]


# SFTConfig and peft call recomputed activations by a name that transformers is to drop.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]


# ---- Arguments


def own_fields():
    return {f.name for f in fields(DynamicSelectionArguments)} - {
        f.name for f in fields(Seq2SeqTrainingArguments)
    }


@pytest.mark.parametrize("base", ARGUMENTS, ids=lambda base: base.__name__)
class TestArguments:
    def test_a_config_keeps_its_defaults(self, base, tmp_path):
        given = {"output_dir": str(tmp_path), "use_cpu": True}
        combined, plain = ARGUMENTS[base](**given).to_dict(), base(**given).to_dict()
        assert combined.keys() - plain.keys() == own_fields()
        assert {name: combined[name] for name in plain} == plain

    def test_a_selection_argument_is_checked(self, base, tmp_path):
        with pytest.raises(ValueError, match="lr_follows must be one of: epoch, step; got 'day'"):
            ARGUMENTS[base](output_dir=str(tmp_path), lr_follows="day")

    def test_they_come_from_the_command_line(self, base, tmp_path):
        line = ["--output_dir", str(tmp_path), "--lr_follows", "step", "--use_cpu"]
        (args,) = HfArgumentParser(ARGUMENTS[base]).parse_args_into_dataclasses(line)
        assert (type(args), args.lr_follows, args.use_cpu) == (ARGUMENTS[base], "step", True)

    def test_a_checkpoint_can_hold_them(self, base, tmp_path):
        args = ARGUMENTS[base](output_dir=str(tmp_path), lr_follows="step", use_cpu=True)
        assert pickle.loads(pickle.dumps(args)).to_dict() == args.to_dict()


# ---- Each of them trains


@pytest.fixture(scope="module", params=TRAINERS)
def trained(request, tmp_path_factory):
    """Of 24 rows 20, 12 and 8, in batches of 4: 5 + 3 + 2 steps."""
    trainer = TRAINERS[request.param](tmp_path_factory.mktemp("run"), Sized(sizes=SIZES))
    trainer.train()
    return trainer


def test_exactly_the_selection_is_trained(trained):
    chosen = [trained.selector.select(epoch).indices for epoch in range(3)]
    assert [sorted(ids) for ids in trained.epochs()] == [sorted(ids) for ids in chosen]
    assert np.array_equal(trained.sampler.usage, np.bincount(np.concatenate(chosen)))


def test_the_run_is_as_long_as_its_epochs(trained):
    assert (trained.state.global_step, trained.state.max_steps) == (10, 10)
    assert trained.state.epoch == 3


def test_the_learning_rate_ends_at_its_end(trained):
    """A linear one falls by a tenth of its height with each of the ten steps."""
    firsts = [trained.rates[step] for step in (0, 5, 8)]
    assert firsts == pytest.approx([0.1, 0.05, 0.02])
    assert trained.optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-9)


def test_a_random_third_is_trained(build, tmp_path):
    trainer = build(tmp_path, DynamicRandom(keep=1 / 3), gradient_accumulation_steps=2)
    trainer.train()
    assert [len(set(ids)) for ids in trainer.epochs()] == [8, 8, 8]
    assert trainer.state.global_step == 3


@pytest.mark.parametrize("build", [*TRAINERS.values(), sft_with_lora])
def test_a_resumed_run_equals_the_whole_one(build, tmp_path):
    """The first epoch has 5 steps; after the third a checkpoint is written."""
    whole = build(tmp_path / "whole", Sized(sizes=SIZES), save_strategy="steps", save_steps=3)
    whole.train()
    rest = build(tmp_path / "rest", Sized(sizes=SIZES))
    rest.train(resume_from_checkpoint=str(tmp_path / "whole" / "checkpoint-3"))
    assert rest.trained == whole.trained[3:]
    expected, got = whole.model.state_dict(), rest.model.state_dict()
    assert all(torch.equal(got[name], expected[name]) for name in expected)


# ---- Each of them evaluates


def evaluated(build, folder, eval_dataset, **changes):
    trainer = build(
        folder, Sized(sizes=SIZES), eval_dataset=eval_dataset, eval_strategy="epoch", **changes
    )
    trainer.train()
    assert [len(ids) for ids in trainer.epochs()] == list(SIZES)
    return trainer, [entry for entry in trainer.state.log_history if "eval_loss" in entry]


def test_sft_reports_its_own_numbers_on_all_of_the_test_set(tmp_path):
    trainer, entries = evaluated(sft, tmp_path, text_kit.plain_texts())
    assert len(entries) == 3
    assert {"eval_mean_token_accuracy", "eval_entropy"} <= entries[0].keys()
    assert any("mean_token_accuracy" in entry for entry in trainer.state.log_history)


def test_seq2seq_generates(tmp_path):
    trainer, entries = evaluated(
        seq2seq,
        tmp_path,
        text_kit.translations(),
        predict_with_generate=True,
        generation_max_length=5,
    )
    assert len(entries) == 3
    tokens = trainer.predict(text_kit.translations()).predictions
    assert len(tokens) == ROWS
    assert (tokens[:, 5:] == text_kit.tokenizer().pad_token_id).all()


def test_sentence_pairs_are_evaluated(tmp_path):
    _, entries = evaluated(sentences, tmp_path, text_kit.pairs())
    assert len(entries) == 3


# ---- Rows stay rows


def scored(dataset):
    """Returns the dataset with a score that is highest in its last rows."""
    return dataset.add_column("score_length", np.arange(ROWS, dtype=np.float32))


def test_score_columns_reach_the_selector_and_not_the_model(build, tmp_path):
    data = {sft: text_kit.plain_texts, seq2seq: text_kit.translations, sentences: text_kit.pairs}
    trainer = build(tmp_path, TopScore(score="length", keep=0.25), scored(data[build]()))
    trainer.train()
    assert [sorted(ids) for ids in trainer.epochs()] == [[*range(18, 24)]] * 3


def test_a_text_of_padding_free_batches_is_selected(tmp_path):
    trainer = sft(tmp_path, Sized(sizes=SIZES), padding_free=True, max_length=None)
    trainer.train()
    assert [len(ids) for ids in trainer.epochs()] == list(SIZES)


def test_sft_with_losses_refuses_padding_free(tmp_path):
    trainer = sft(tmp_path, LossDriven(), padding_free=True, max_length=None)
    with pytest.raises(ValueError, match="padding_free=False"):
        trainer.train()


@pytest.mark.parametrize("strategy", ["bfd", "wrapped"])
def test_packing_is_refused(strategy, tmp_path):
    with pytest.raises(ValueError, match="packing=True joins samples.*Set packing=False"):
        sft(tmp_path, DynamicRandom(), packing=True, packing_strategy=strategy, max_length=32)


def test_moving_rows_is_refused(tmp_path):
    with pytest.raises(ValueError, match="shuffle_dataset=True moves samples"):
        sft(tmp_path, DynamicRandom(), shuffle_dataset=True)


def test_rows_that_the_trainer_drops_are_refused(tmp_path):
    """A prompt that fills max_length leaves no target, and SFTTrainer drops the row."""
    rows = text_kit.prompts().to_list()
    rows[5]["prompt"] *= 20
    with pytest.raises(ValueError, match="made 23 rows of the 24.*max_length"):
        sft(tmp_path, DynamicRandom(), Dataset.from_list(rows), max_length=64)


class OwnLoader(Trainer):
    def get_train_dataloader(self):
        return DataLoader(self.train_dataset, batch_size=4, collate_fn=self.data_collator)


def test_a_loader_that_selects_nothing_is_refused(tmp_path):
    class Both(DynamicSelectionMixin, OwnLoader):
        pass

    trainer = trainer_kit.build(tmp_path, Sized(), cls=Both)
    with pytest.raises(TypeError, match="get_train_dataloader of Both draws samples by itself"):
        trainer.train()


def test_a_sampler_of_its_own_is_refused(tmp_path):
    class Both(DynamicSelectionMixin, trainer_kit.PlainTrainer):
        pass

    with pytest.raises(TypeError, match="PlainTrainer draws its training samples by a sampler"):
        trainer_kit.build(tmp_path, Sized(), cls=Both)


# ---- Sentence transformers


def test_minilm_trains_on_its_selection(tmp_path):
    model = SentenceTransformer(text_kit.MINILM, device="cpu")
    before = model[0].auto_model.embeddings.LayerNorm.weight.clone()
    trainer = sentences(tmp_path, Sized(sizes=(8,)), model=model, num_train_epochs=1)
    trainer.train()
    assert sorted(trainer.epochs()[0]) == sorted(trainer.selector.select(0).indices)
    assert not torch.equal(model[0].auto_model.embeddings.LayerNorm.weight, before)


def test_labels_of_pairs_reach_the_pool_and_the_loss(tmp_path):
    both = text_kit.pairs().add_column("label", [i % 2 for i in range(ROWS)])
    trainer = sentences(tmp_path, Sized(sizes=SIZES), both)
    seen = []
    trainer.loss.register_forward_hook(lambda module, given, loss: seen.append(given[1]))
    trainer.train()
    assert trainer.pool.labels.tolist() == both["label"][:]
    assert torch.cat(seen[:5]).tolist() == [i % 2 for i in trainer.epochs()[0]]


def test_losses_over_pairs_are_refused(tmp_path):
    with pytest.raises(
        ValueError, match="LossDriven.*of whole batches, whose samples they compare"
    ):
        sentences(tmp_path, LossDriven())


def test_batches_by_content_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no_duplicates.*leave batch_sampler out"):
        sentences(tmp_path, DynamicRandom(), batch_sampler="no_duplicates")


def test_several_datasets_are_refused(tmp_path):
    several = DatasetDict({"one": text_kit.pairs(), "two": text_kit.pairs()})
    with pytest.raises(TypeError, match="DatasetDict.*concatenate_datasets"):
        sentences(tmp_path, DynamicRandom(), several)
