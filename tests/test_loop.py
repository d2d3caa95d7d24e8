"""The loop trains as the trainer does, goes on where it stopped, and says what it cannot do."""

from functools import cache, partial

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import nn
from torch.optim.lr_scheduler import ConstantLR
from torch.utils.data import get_worker_info
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    get_cosine_schedule_with_warmup,
)

from conftest import LossDriven, Net, rows, table
from distributed_cases import scored
from drivers import Run, Setting, run_loop, run_trainer
from hf_dynsel import Pool, train
from hf_dynsel.schedule import named_schedule
from hf_dynsel.selectors import (
    DynamicRandom,
    FullData,
    InfoBatch,
    RepDiv,
    SelectiveBackprop,
    TopScore,
)
from numbered_rows import IdIsLoss, NumberedRows, only_logit

half = partial(DynamicRandom, keep=0.5)


def start(folder, selector=None, dataset=None, model=None, **changes):
    model = Net() if model is None else model
    return train(
        model,
        scored(24) if dataset is None else dataset,
        half() if selector is None else selector,
        torch.optim.SGD(model.parameters(), 0.1),
        **{"epochs": 3, "batch_size": 4, "output_dir": folder} | changes,
    )


def require_equal(own: Run, other: Run) -> None:
    assert own.batches == other.batches
    assert own.rates == other.rates
    require_same_model(own, other)


def require_same_model(own: Run, other: Run) -> None:
    assert own.model.keys() == other.model.keys()
    for name, tensor in own.model.items():
        assert torch.equal(tensor, other.model[name]), name


# ---- As the trainer does


class Noisy(nn.Module):
    """Draws random numbers in training; the same weights each time."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.layers = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 3))

    def forward(self, x, labels):
        logits = self.layers(x)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


def loaded():
    """A model as `from_pretrained` returns it: not in training mode."""
    return Noisy().eval()


@pytest.mark.parametrize("selector", [half, LossDriven, SelectiveBackprop])
def test_dropout_draws_what_it_draws_in_the_trainer_also_after_an_interruption(selector, tmp_path):
    """Stops inside an epoch, and where the last checkpoint ends one."""
    setting = Setting(selector, model=loaded, save_steps=1)
    whole = run_trainer(setting, tmp_path / "trainer")
    require_equal(run_loop(setting, tmp_path / "loop"), whole)
    third = [epoch for epoch, *_ in whole.batches].index(2)
    for stop in (third, len(whole.batches) - 1):
        run_loop(setting, tmp_path / str(stop), stop=stop)
        require_same_model(run_loop(setting, tmp_path / str(stop), resume=True), whole)


def bert():
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = BertConfig(vocab_size=20, intermediate_size=8, num_labels=3, **sizes)
    return BertForSequenceClassification(config)


def llama():
    torch.manual_seed(0)
    heads = {"num_attention_heads": 1, "num_key_value_heads": 1, "num_hidden_layers": 1}
    config = LlamaConfig(vocab_size=20, hidden_size=8, intermediate_size=8, **heads)
    return LlamaForCausalLM(config)


@cache
def sentences(count):
    ids = np.random.default_rng(0).integers(20, size=(count, 6))
    return Dataset.from_dict({"input_ids": ids, "labels": np.arange(count) % 3})


@cache
def continuations(count):
    """The targets of a sample are its last tokens, from two of them to all."""
    ids = np.random.default_rng(0).integers(20, size=(count, 6))
    targets = np.where(np.arange(6) >= np.arange(count)[:, None] % 5, ids, -100)
    return Dataset.from_dict({"input_ids": ids, "labels": targets})


@pytest.mark.parametrize("selector", [FullData, partial(InfoBatch, delta=1.0)])
@pytest.mark.parametrize(("model", "data"), [(bert, sentences), (llama, continuations)])
@pytest.mark.parametrize("accumulation", [1, 3])
def test_models_of_transformers_take_the_mean_over_the_whole_step(
    selector, model, data, accumulation, tmp_path
):
    """By the number of targets in all its micro-batches, of which the last has fewer."""
    setting = Setting(selector, accumulation, model, data)
    whole = run_trainer(setting, tmp_path / "trainer")
    require_equal(run_loop(setting, tmp_path / "loop"), whole)


def one_cycle(optimizer, steps):
    return named_schedule("one_cycle", optimizer, steps, 3)


def cosine(optimizer, steps):
    return get_cosine_schedule_with_warmup(optimizer, 3, steps)


@pytest.mark.parametrize(
    ("schedule", "arguments"),
    [
        (one_cycle, {"lr_schedule": "one_cycle"}),
        (cosine, {"lr_scheduler_type": "cosine", "warmup_steps": 3}),
    ],
)
def test_any_schedule_is_followed_and_resumed(schedule, arguments, tmp_path):
    setting = Setting(partial(RepDiv, keep=0.5, refine=0.3))
    whole = run_trainer(setting, tmp_path / "trainer", **arguments)
    require_equal(run_loop(setting, tmp_path / "loop", schedule=schedule), whole)
    run_loop(setting, tmp_path / "cut", stop=7, schedule=schedule)
    rest = run_loop(setting, tmp_path / "cut", resume=True, schedule=schedule)
    assert rest.rates == whole.rates[-len(rest.rates) :]
    require_same_model(rest, whole)


@pytest.mark.parametrize("longest", [0.0, 0.05])
def test_gradients_are_clipped_to_the_norm_given(longest, tmp_path):
    whole = run_trainer(Setting(LossDriven), tmp_path / "trainer", max_grad_norm=longest)
    require_equal(run_loop(Setting(LossDriven), tmp_path / "loop", max_grad_norm=longest), whole)


class LoadedByWorkers(NumberedRows):
    def __getitem__(self, row):
        assert get_worker_info().num_workers == 2
        return super().__getitem__(row)


def test_workers_load_the_same(tmp_path):
    settings = {"model": IdIsLoss, "rows": 24}
    losses = {"per_sample_loss": only_logit}
    alone = run_loop(Setting(LossDriven, data=NumberedRows, **settings), tmp_path / "0", **losses)
    setting = Setting(LossDriven, data=LoadedByWorkers, **settings)
    require_equal(run_loop(setting, tmp_path / "2", num_workers=2, **losses), alone)


def test_the_selections_are_written_as_the_trainer_writes_them(tmp_path):
    setting = Setting(SelectiveBackprop)
    run_trainer(setting, tmp_path / "trainer")
    run_loop(setting, tmp_path / "loop", stop=12)
    run_loop(setting, tmp_path / "loop", resume=True)
    files = [pq.read_table(tmp_path / run / "selections.parquet") for run in ("trainer", "loop")]
    assert files[0].equals(files[1])


# ---- What it takes and returns


def test_it_lowers_the_loss_and_tells_what_that_took(tmp_path):
    def loss():
        data = table(24)[:]
        return float(model(**data)["loss"].detach())

    model = Net()
    before = loss()
    progress = start(tmp_path, model=model, epochs=10)
    assert loss() < 0.9 * before
    assert progress.ledger.samples_per_epoch == [12] * 10
    assert progress.ledger.samples_forwarded == progress.sampler.usage.sum() == 120
    assert progress.ledger.seconds.keys() == {"select", "train"}
    assert progress.selector.num_epochs == 10


class Rows(torch.utils.data.Dataset):
    """A plain torch dataset whose samples are pairs."""

    def __len__(self):
        return 24

    def __getitem__(self, i):
        data = rows(24)
        return torch.tensor(data["x"][i]), data["labels"][i]


def stack(samples):
    x, labels = zip(*samples, strict=True)
    return {"x": torch.stack(x), "labels": torch.tensor(labels)}


def test_any_map_style_dataset_trains_the_same(tmp_path):
    pool = Pool(24, {"el2n": np.arange(24.0)})
    models = Net(), Net()
    best = TopScore(keep=0.5)
    first = start(tmp_path, best, Rows(), models[0], collate=stack, pool=pool)
    assert first.sampler.usage.tolist() == [0] * 12 + [3] * 12
    dataset = table(24).add_column("score_el2n", np.arange(24.0))
    start(tmp_path, best, dataset, models[1])
    assert torch.equal(models[0].linear.weight, models[1].linear.weight)


def test_the_losses_of_samples_may_be_the_users_own(tmp_path):
    """Sample i has the loss i: the last two thirds are chosen, once every sample was seen."""
    progress = start(
        tmp_path,
        LossDriven(),
        NumberedRows(24),
        IdIsLoss(),
        per_sample_loss=only_logit,
        schedule=lambda optimizer, steps: ConstantLR(optimizer, factor=1e-9, total_iters=steps + 1),
        epochs=3,
    )
    seen = progress.sampler.usage > 0
    expected = np.where(seen, np.arange(24.0), 9.0)
    np.testing.assert_allclose(progress.selector.losses, expected, rtol=1e-5)


# ---- Checkpoints


def interrupted(folder, **changes):
    """Is stopped after three steps; its one checkpoint is of two."""
    setting = Setting(LossDriven, **changes)
    run_loop(setting, folder, stop=6)
    return setting


def test_checkpoints_hold_json_and_tensors(tmp_path):
    interrupted(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"selections", "step-2"}
    assert {path.name for path in (tmp_path / "step-2").iterdir()} == {
        "model.safetensors",
        "optimizer.bin",
        "random_states_0.pkl",
        "scheduler.bin",
        "selection.json",
        "selection.safetensors",
    }
    for name in ("optimizer.bin", "scheduler.bin"):
        assert torch.load(tmp_path / "step-2" / name, weights_only=True)


def test_a_checkpoint_that_was_not_finished_is_passed_over(tmp_path):
    """The selection is written last."""
    setting = Setting(LossDriven)
    whole = run_loop(setting, tmp_path)
    newest = tmp_path / "step-6"
    (newest / "selection.json").unlink()
    rest = run_loop(setting, tmp_path, resume=True)
    assert (len(whole.rates), len(rest.rates)) == (6, 2)
    require_same_model(rest, whole)
    assert (newest / "selection.json").exists()


def test_a_run_whose_last_step_is_saved_trains_nothing_more(tmp_path):
    setting = Setting(LossDriven, save_steps=1)
    whole = run_loop(setting, tmp_path)
    again = run_loop(setting, tmp_path, resume=True)
    assert again.batches == [] and again.rates == []
    assert again.costs == whole.costs and np.array_equal(again.usage, whole.usage)
    require_same_model(again, whole)


def test_resuming_before_there_is_a_checkpoint_starts(tmp_path):
    setting = Setting(LossDriven)
    require_equal(run_loop(setting, tmp_path / "new", resume=True), run_loop(setting, tmp_path))


def test_a_new_run_does_not_mix_with_the_checkpoints_of_another(tmp_path):
    interrupted(tmp_path)
    with pytest.raises(
        ValueError, match="checkpoints of an earlier run, up to step 2; pass resume"
    ):
        run_loop(Setting(LossDriven), tmp_path)


OTHERS = {
    "selector = 'LossDriven', but this run has 'DynamicRandom'": {"selector": half},
    "samples = 25, but this run has 26": {"rows": 26},
    "8 samples per optimizer step, but this run has 12": {"accumulation": 3},
    "data = '": {"data": lambda rows: scored(rows).add_column("score_other", np.ones(rows))},
}


@pytest.mark.parametrize("message", OTHERS)
def test_a_checkpoint_of_another_run_is_refused_with_both_values(message, tmp_path):
    interrupted(tmp_path)
    with pytest.raises(ValueError, match=message):
        run_loop(Setting(**{"selector": LossDriven} | OTHERS[message]), tmp_path, resume=True)


def test_the_steps_may_be_split_otherwise_when_going_on(tmp_path):
    whole = run_loop(interrupted(tmp_path), tmp_path / "whole")
    rest = run_loop(Setting(LossDriven, accumulation=1, batch_size=8), tmp_path, resume=True)
    assert rest.rates == whole.rates[2:]
    for name, tensor in rest.model.items():
        torch.testing.assert_close(tensor, whole.model[name])


# ---- Bad input is found before training


@pytest.mark.parametrize("name", ["epochs", "batch_size", "accumulation", "save_steps"])
def test_numbers_below_one_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        start(tmp_path, **{name: 0})


def test_an_iterable_dataset_is_refused(tmp_path):
    with pytest.raises(TypeError, match="needs a map-style dataset, got IterableDataset"):
        start(tmp_path, dataset=table(24).to_iterable_dataset())


def test_a_pool_of_another_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the pool has 9 samples and the training set 24"):
        start(tmp_path, pool=Pool(9))


def test_a_missing_score_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no score column 'el2n' \(it has: none\)"):
        start(tmp_path, TopScore(), table(24))


class Without(Net):
    """Returns only some of its outputs."""

    def __init__(self, *names):
        super().__init__()
        self.names = names

    def forward(self, x, labels=None):
        outputs = super().forward(x, labels)
        return {name: outputs[name] for name in outputs if name not in self.names}


@pytest.mark.parametrize("selector", [half, LossDriven])
def test_a_model_without_a_loss_is_refused(selector, tmp_path):
    with pytest.raises(TypeError, match=r"no loss, but \['logits'\]: it must return .* 'loss'"):
        start(tmp_path, selector(), model=Without("loss"))


def test_a_selector_with_signals_needs_logits(tmp_path):
    start(tmp_path, half(), model=Without("logits"))
    with pytest.raises(TypeError, match="returned no logits"):
        start(tmp_path, LossDriven(), model=Without("logits"))


def test_a_loss_that_is_not_that_of_the_samples_is_refused(tmp_path):
    class Doubled(Net):
        def forward(self, x, labels):
            outputs = super().forward(x, labels)
            return outputs | {"loss": 2 * outputs["loss"]}

    with pytest.raises(ValueError, match="the model's own loss of the first batch is"):
        start(tmp_path, LossDriven(), model=Doubled())
