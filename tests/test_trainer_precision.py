"""A weighted step is the same however it is split, in every precision and model."""

import pytest
import torch
from datasets import Dataset
from torch._dynamo.utils import counters
from transformers import BertConfig, BertForSequenceClassification, LlamaConfig
from transformers import LlamaForSequenceClassification as Llama

from conftest import Net, table
from hf_dynsel.selectors import FullData
from precision_kit import (
    PLAIN_SGD,
    ROWS,
    SELECTORS,
    SPLITS,
    Graded,
    Ones,
    assert_same_weights,
    by_hand,
    columns,
    trained,
    way_from_start,
)
from trainer_kit import PlainTrainer, RecordingTrainer, arguments, build


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", SELECTORS)
def test_training_is_gradient_descent_on_the_weighted_sum_over_samples(name, split, tmp_path):
    """Within the 1.3e-6 and 1e-5 of assert_close, after 8 to 12 steps of four epochs."""
    trainer = trained(tmp_path, name, split)
    net = Net()
    usage = by_hand(trainer, net, columns(), SELECTORS[name]())
    assert_same_weights(trainer.model, net)
    assert trainer.sampler.usage.tolist() == usage.tolist()
    assert trainer.ledger.samples_trained == usage.sum()


@pytest.mark.parametrize("name", SELECTORS)
def test_a_step_is_the_same_however_it_is_split(name, tmp_path):
    whole = trained(tmp_path, name, "12 x 1")
    for split in ("4 x 3", "1 x 12"):
        parts = trained(tmp_path, name, split)
        assert parts.epochs() == whole.epochs()
        assert parts.state.global_step == whole.state.global_step
        assert_same_weights(parts.model, whole.model)


def test_weights_of_one_train_as_no_weights(tmp_path):
    """35 samples in batches of 5, so that the Trainer's mean of means is the mean."""
    trainers = [
        build(tmp_path, selector, ROWS, per_device_train_batch_size=5)
        for selector in (Ones(), FullData())
    ]
    for trainer in trainers:
        trainer.train()
    assert trainers[0].trained == trainers[1].trained
    assert_same_weights(trainers[0].model, trainers[1].model)


# ---- Half precision


class Scaled:
    """Accelerate leaves fp16 out on a CPU; this is what it does on a GPU."""

    scale = 2.0**10

    def create_accelerator_and_postprocess(self):
        super().create_accelerator_and_postprocess()
        self.accelerator.native_amp = True
        self.accelerator.scaler = torch.amp.GradScaler(
            "cpu", init_scale=self.scale, backoff_factor=2.0**-10
        )


class Half(Scaled, RecordingTrainer):
    pass


class Typed(Net):
    """Notes the precision it computes in."""

    def forward(self, x, labels=None):
        self.dtype = self.linear(x).dtype
        return super().forward(x, labels)


PRECISIONS = {
    "bf16": ({"bf16": True}, RecordingTrainer, torch.bfloat16, 2.0**-8),
    "fp16": ({"fp16": True}, Half, torch.float16, 2.0**-11),
}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", ["graded", "hard"])
def test_a_step_in_half_precision_is_the_same_however_it_is_split(name, precision, tmp_path):
    """Each micro-batch rounds its gradient once, by at most the unit named.

    So two runs differ by less than two such parts of the way they went.
    """
    changes, cls, dtype, unit = PRECISIONS[precision]
    whole = trained(tmp_path, name, "12 x 1", Typed(), cls, **changes)
    assert whole.model.dtype == dtype
    way = way_from_start(whole)
    for split in ("4 x 3", "1 x 12"):
        parts = trained(tmp_path, name, split, Typed(), cls, **changes)
        assert_same_weights(parts.model, whole.model, rtol=0, atol=2 * unit * way)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_half_precision_is_near_single(precision, tmp_path):
    changes, cls, _, unit = PRECISIONS[precision]
    half = trained(tmp_path, "graded", "4 x 3", Typed(), cls, **changes)
    single = trained(tmp_path, "graded", "4 x 3")
    way = way_from_start(single)
    assert_same_weights(half.model, single.model, rtol=0, atol=2 * unit * way)


class Overflowing(Half):
    """The first scales are too large, so that the first steps are skipped."""

    scale = 2.0**40


class PlainOverflowing(Scaled, PlainTrainer):
    scale = 2.0**40


def test_steps_skipped_by_an_overflow_are_skipped_as_by_the_trainer(tmp_path):
    settings = {"fp16": True, "lr_scheduler_type": "linear", "num_train_epochs": 1}
    ours = build(tmp_path, FullData(), cls=Overflowing, **settings)
    ours.train()
    plain = PlainOverflowing(
        model=Net(),
        args=arguments(tmp_path, **settings),
        train_dataset=table(24),
        orders=ours.epochs(),
    )
    plain.train()
    assert torch.equal(ours.model.linear.weight, plain.model.linear.weight)
    rates = [
        [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
        for trainer in (ours, plain)
    ]
    assert rates[0] == rates[1]
    assert rates[0][0] == rates[0][1] == 0.1


def test_an_overflow_does_not_move_the_epochs_of_the_schedule(tmp_path):
    """Linear from 0.1 over four epochs: the second starts at 0.075 all the same.

    The Trainer's schedule would end short of its end by as many steps as were skipped.
    """
    linear = {"lr_scheduler_type": "linear", "lr_follows": "epoch"}
    trainer = build(tmp_path, Graded(), cls=Overflowing, fp16=True, **linear)
    trainer.train()
    assert trainer.rates[6] == pytest.approx(0.075)
    assert trainer.lr_scheduler.get_last_lr()[0] == 0.0


# ---- Models of transformers, which are told the number of items and scale their own loss

SMALL = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2}


def bert(dropout=0.0):
    torch.manual_seed(0)
    none = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    config = BertConfig(vocab_size=20, num_attention_heads=2, num_labels=3, **SMALL, **none)
    return BertForSequenceClassification(config)


def llama():
    torch.manual_seed(0)
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    return Llama(LlamaConfig(vocab_size=20, num_labels=3, pad_token_id=0, **SMALL, **heads))


def words():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, 20, (ROWS, 6), generator=generator)
    return {"input_ids": tokens, "labels": torch.arange(ROWS) % 3}


def on_words(folder, name, split, model, **changes):
    data = Dataset.from_dict({n: v.tolist() for n, v in words().items()})
    return trained(folder, name, split, model, train_dataset=data, **changes)


@pytest.mark.parametrize("model", [bert, llama])
@pytest.mark.parametrize("name", ["loss_driven", "hard"])
def test_a_model_that_scales_its_own_loss_trains_on_the_weighted_sum(name, model, tmp_path):
    trainer = on_words(tmp_path, name, "4 x 3", model(), num_train_epochs=2)
    net = model()
    by_hand(trainer, net, words(), SELECTORS[name]())
    assert_same_weights(trainer.model, net, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("name", ["loss_driven", "hard"])
def test_recomputed_activations_change_nothing(name, tmp_path):
    """Not even dropout, whose random numbers are the same."""
    models = []
    for recompute in (True, False):
        torch.manual_seed(1)
        model = bert(dropout=0.1)
        changes = {"gradient_checkpointing": recompute, "num_train_epochs": 2}
        models.append(on_words(tmp_path, name, "4 x 3", model, **changes).model)
    assert_same_weights(*models, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ["graded", "loss_driven", "hard"])
def test_smoothed_labels_are_weighted(name, tmp_path):
    changes = {"label_smoothing_factor": 0.2, "num_train_epochs": 2}
    trainer = on_words(tmp_path, name, "4 x 3", bert(), **changes)
    net = bert()
    by_hand(trainer, net, words(), SELECTORS[name](), smoothing=0.2)
    assert_same_weights(trainer.model, net, rtol=1e-4, atol=1e-5)


def test_smoothing_at_weight_one_is_the_trainers(tmp_path):
    data = Dataset.from_dict({n: v.tolist() for n, v in words().items()})
    settings = {"label_smoothing_factor": 0.3, "per_device_train_batch_size": 5, **PLAIN_SGD}
    settings["num_train_epochs"] = 2
    ours = build(tmp_path, Ones(), model=bert(), train_dataset=data, **settings)
    ours.train()
    plain = PlainTrainer(
        model=bert(),
        args=arguments(tmp_path, **settings),
        train_dataset=data,
        orders=ours.epochs(),
    )
    plain.train()
    assert_same_weights(ours.model, plain.model)


# ---- Compiled models

COMPILED = {"torch_compile": True, "torch_compile_backend": "eager"}


@pytest.mark.parametrize("name", ["loss_driven", "hard"])
def test_compiling_changes_nothing_and_meets_no_break(name, tmp_path, monkeypatch):
    """A break in the graph would be an error: the ids never reach the model."""
    monkeypatch.setenv("ACCELERATE_DYNAMO_USE_FULLGRAPH", "True")
    torch._dynamo.reset()
    counters.clear()
    compiled = trained(tmp_path, name, "4 x 3", num_train_epochs=2, **COMPILED)
    assert counters["stats"]["unique_graphs"] > 0
    assert not counters["graph_break"]
    plain = trained(tmp_path, name, "4 x 3", num_train_epochs=2)
    assert compiled.trained == plain.trained
    assert_same_weights(compiled.model, plain.model)
