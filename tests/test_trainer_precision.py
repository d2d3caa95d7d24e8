"""The gradient is that of the weighted loss, by hand, however a step is split and computed."""

import gc
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from datasets import Dataset
from torch import nn
from torch._dynamo.utils import counters
from transformers import BertConfig, BertForSequenceClassification, LlamaConfig
from transformers import LlamaForSequenceClassification as Llama

from conftest import LossDriven, Net, rows, table
from hf_dynsel import Feedback, Pool, Selection, Selector
from hf_dynsel.selectors import FullData, InfoBatch, SelectiveBackprop
from trainer_kit import PlainTrainer, RecordingTrainer, arguments, build

ROWS = 35  # LossDriven trains on 23 of them: 12 and 11, or 4, 4, 4, 4, 4 and 3
PLAIN_SGD = {"lr_scheduler_type": "constant", "max_grad_norm": 0.0}
SPLITS = {"12 x 1": (12, 1), "4 x 3": (4, 3), "1 x 12": (1, 12)}


@pytest.fixture(autouse=True, scope="module")
def quick_collections():
    """Every run starts with a garbage collection; what the imports made need not be searched."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@dataclass
class Graded(Selector):
    """Weighs 23 samples from a half to two and a half, whatever they lose."""

    def select(self, epoch: int) -> Selection:
        chosen = self.rng(epoch).choice(self.pool.size, 23, replace=False)
        return Selection(chosen, 0.5 + chosen % 5 / 2)


@dataclass
class Hard(Selector):
    """Trains, twice as much, the samples of each batch that lose more than `bar`."""

    bar: float = 1.0
    signals = frozenset({"loss"})

    def select(self, epoch: int) -> Selection:
        return Selection(np.arange(self.pool.size))

    def weigh(self, feedback: Feedback) -> np.ndarray:
        return np.where(feedback.signals["loss"] > self.bar, 2.0, 0.0)


SELECTORS = {
    "graded": Graded,
    "loss_driven": LossDriven,
    "infobatch": InfoBatch,
    "hard": Hard,
    "selective_backprop": SelectiveBackprop,
}


def columns(count=ROWS):
    return {name: torch.tensor(values) for name, values in rows(count).items()}


def losses_of(net, data, ids, smoothing=0.0):
    """Cross-entropy from its definition; a share of the target is spread over all classes."""
    inputs = {name: column[ids] for name, column in data.items()}
    labels = inputs.pop("labels")
    chances = net(**inputs)["logits"].log_softmax(1)
    own = chances.gather(1, labels[:, None])[:, 0]
    return -(1 - smoothing) * own - smoothing * chances.mean(1)


def steps(trainer):
    """The micro-batches of each optimizer step."""
    size = trainer.args.gradient_accumulation_steps
    for epoch in range(trainer.trained[-1][0] + 1):
        own = [ids for at, ids in trainer.trained if at == epoch]
        yield from ((epoch, own[start : start + size]) for start in range(0, len(own), size))


def by_hand(trainer, net, data, selector, smoothing=0.0):
    """Trains `net` as the trainer did, in double precision, by sum(weight x loss) / samples.

    Returns:
        How often each sample was trained.
    """
    net.double()
    data = {n: v.double() if v.is_floating_point() else v for n, v in data.items()}
    size = len(data["labels"])
    selector.setup(Pool(size), 4)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    seen, usage, running = {}, np.zeros(size, int), 0
    for epoch, batches in steps(trainer):
        if epoch > running:
            selector.observe(observed(running, seen))
            seen, running = {}, epoch
        selection = selector.select(epoch)
        given = np.ones(size) if selection.weights is None else np.zeros(size)
        given[selection.indices] = 1 if selection.weights is None else selection.weights
        total = torch.zeros(())
        for ids in batches:
            losses = losses_of(net, data, ids, smoothing)
            found = losses.detach().numpy().astype(np.float32)
            fresh = selector.weigh(Feedback(epoch, np.array(ids), {"loss": found}))
            weights = given[ids] * (1 if fresh is None else fresh)
            total = total + (torch.from_numpy(weights) * losses).sum()
            usage[np.array(ids)[weights > 0]] += 1
            seen |= dict(zip(ids, found, strict=True))
        optimizer.zero_grad()
        (total / sum(map(len, batches))).backward()
        optimizer.step()
    return usage


def observed(epoch, seen):
    ids = np.array(sorted(seen))
    return Feedback(epoch, ids, {"loss": np.array([seen[i] for i in ids], np.float32)})


def trained(folder, name, split, model=None, cls=RecordingTrainer, **changes):
    batch, accumulation = SPLITS[split]
    settings = {
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": accumulation,
        "model": Net() if model is None else model,
    }
    trainer = build(folder, SELECTORS[name](), ROWS, cls, **settings, **PLAIN_SGD, **changes)
    trainer.train()
    return trainer


def assert_same_weights(model, other, **tolerance):
    found, wanted = model.state_dict(), other.state_dict()
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, check_dtype=False, **tolerance)


def way_from_start(trainer):
    """The furthest that a parameter moved."""
    return float((trainer.model.linear.weight - Net().linear.weight).detach().abs().max())


# ---- Single precision


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


class Ones(LossDriven):
    """Trains on everything, with weights of one."""

    def select(self, epoch: int) -> Selection:
        return Selection(np.arange(self.pool.size), np.ones(self.pool.size))


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
    trainer = build(tmp_path, Graded(), cls=Overflowing, fp16=True, lr_scheduler_type="linear")
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


# ---- The expectation over draws

DRAWS = 1000


def pool_losses():
    """Losses and gradients of 30 samples under the model as it is, in double precision."""
    net, data = Net().double(), columns(30)
    x = data["x"].double()
    chances = net(x)["logits"].softmax(1).detach().numpy()
    labels = data["labels"].numpy()
    errors = chances - np.eye(3)[labels]
    gradients = errors[:, :, None] * x.numpy()[:, None, :]
    return -np.log(chances[np.arange(30), labels]), gradients


def draw(seed, losses, **hyperparameters):
    """The weights that all samples have in the second epoch; zero where they are left out."""
    selector = InfoBatch(seed=seed, **hyperparameters)
    selector.setup(Pool(30), 8)
    selector.observe(Feedback(0, np.arange(30), {"loss": losses.astype(np.float32)}))
    selection = selector.select(1)
    weights = np.zeros(30)
    weights[selection.indices] = selection.weights
    return weights


@pytest.mark.parametrize("settings", [{}, {"prune": 0.3}, {"keep": 0.5, "prune": 0.75}], ids=str)
def test_infobatch_expects_the_full_gradient(settings):
    """The mean over draws is within five standard errors of the sum over all samples.

    Of m easy samples with gradients g, k are drawn without replacement and weigh m / k: their
    weighted sum has the variance m^2 (1 - k/m) s^2 / k, where s^2 = sum (g - mean)^2 / (m - 1).
    Without the weights the mean would be many more errors away.
    """
    losses, gradients = pool_losses()
    weights = np.array([draw(seed, losses, **settings) for seed in range(DRAWS)])
    easy = (weights != 1).any(0)
    m, k = easy.sum(), (weights[0] > 0)[easy].sum()
    assert ((weights[:, easy] > 0).sum(1) == k).all()
    assert 0 < k < m
    spread = gradients[easy].var(0, ddof=1)
    error = np.sqrt(m**2 * (1 - k / m) * spread / k / DRAWS)
    full = gradients.sum(0)
    found = np.einsum("sn,nco->co", weights, gradients) / DRAWS
    assert (np.abs(found - full) < 5 * error).all()
    unweighted = np.einsum("sn,nco->co", weights > 0, gradients) / DRAWS
    assert (np.abs(unweighted - full) > 5 * error).mean() > 0.5


class Gradients(RecordingTrainer):
    """Keeps each step's gradient before the optimizer takes it."""

    def _clip_grad_norm(self, model):
        self.gradients = [*getattr(self, "gradients", []), model.linear.weight.grad.numpy().copy()]
        return super()._clip_grad_norm(model)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_trainers_gradient_is_that_of_the_draw(seed, tmp_path):
    """At rate zero the model stays, and an accumulated step is a whole epoch."""
    settings = {"num_train_epochs": 8, "gradient_accumulation_steps": 8, "learning_rate": 0.0}
    trainer = build(tmp_path, InfoBatch(seed=seed), 30, Gradients, max_grad_norm=1e9, **settings)
    trainer.train()
    losses, gradients = pool_losses()
    weights = draw(seed, losses)
    expected = np.einsum("n,nco->co", weights, gradients) / (weights > 0).sum()
    np.testing.assert_allclose(trainer.gradients[1], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(trainer.gradients[0], gradients.mean(0), rtol=1e-4, atol=1e-6)


# ---- Selection inside the batch: scored in a pass of its own, then only some are trained


class Deep(Net):
    """With batch statistics and dropout; notes how it is called."""

    def __init__(self):
        super().__init__()
        self.norm, self.dropout = nn.BatchNorm1d(4), nn.Dropout(0.3)
        self.calls = []

    def forward(self, x, labels=None):
        self.calls.append((self.training, torch.is_grad_enabled(), len(x)))
        return super().forward(self.dropout(self.norm(x)), labels)


def test_what_is_trained_and_what_is_forwarded_are_counted_apart(tmp_path):
    """Each batch is scored whole, in evaluation mode; of it, what is hard is trained."""
    trainer = trained(tmp_path, "hard", "12 x 1", Deep())
    scored = [size for training, _, size in trainer.model.calls if not training]
    passed = [size for training, _, size in trainer.model.calls if training]
    assert sum(scored) == 4 * ROWS
    assert all(grad == training for training, grad, _ in trainer.model.calls)
    assert 0 < sum(passed) < sum(scored)
    assert trainer.ledger.samples_trained == sum(passed) == trainer.sampler.usage.sum()
    assert trainer.ledger.samples_forwarded == sum(scored) + sum(passed)
    assert len(trainer.ledger.samples_per_epoch) == 4


class Keeping(Ones):
    """The same, by weighing each batch."""

    def weigh(self, feedback):
        return np.ones(len(feedback.indices))


def test_the_scoring_pass_leaves_dropout_and_batch_statistics_alone(tmp_path):
    """With and without one, all is the same to the bit, random numbers included."""
    ends = []
    for selector in (Ones(), Keeping()):
        torch.manual_seed(0)
        model = Deep()
        torch.manual_seed(1)
        build(tmp_path, selector, ROWS, model=model, per_device_train_batch_size=5).train()
        ends.append((model.state_dict(), torch.get_rng_state()))
    assert torch.equal(ends[0][1], ends[1][1])
    for name, tensor in ends[0][0].items():
        assert torch.equal(ends[1][0][name], tensor)


@pytest.mark.parametrize("model", [Net, Deep])
def test_where_nothing_is_hard_nothing_is_trained(model, tmp_path):
    """Steps pass, but no parameter and no batch statistic moves."""
    net = model()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    trainer = build(tmp_path, Hard(bar=1e9), ROWS, model=net)
    trainer.train()
    assert trainer.state.global_step == 4 * 9
    assert trainer.ledger.samples_trained == trainer.sampler.usage.sum() == 0
    assert trainer.ledger.samples_forwarded == 4 * ROWS
    for name, tensor in net.state_dict().items():
        assert torch.equal(before[name], tensor)


class Hardest(Hard):
    """Trains the one sample of each batch that loses most."""

    def weigh(self, feedback):
        losses = feedback.signals["loss"]
        return np.where(losses == losses.max(), 2.0, 0.0)


def test_batch_statistics_do_not_fail_where_one_sample_is_hard(tmp_path):
    trainer = build(tmp_path, Hardest(), ROWS, model=Deep(), per_device_train_batch_size=5)
    trainer.train()
    assert trainer.ledger.samples_per_epoch == [7] * 4
    assert trainer.sampler.usage.sum() == 28


def test_the_logged_loss_is_the_weighted_mean(tmp_path):
    """One step of all samples, at the untrained model."""
    trainer = build(
        tmp_path, Graded(), ROWS, num_train_epochs=1, per_device_train_batch_size=23, **PLAIN_SGD
    )
    trainer.train()
    ids = np.array(trainer.trained[0][1])
    weights = torch.from_numpy(0.5 + ids % 5 / 2)
    expected = (weights * losses_of(Net(), columns(), ids).detach()).mean()
    logged = next(entry["loss"] for entry in trainer.state.log_history if "loss" in entry)
    assert logged == pytest.approx(float(expected), rel=1e-5)
