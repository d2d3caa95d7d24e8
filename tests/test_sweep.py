"""Sweeps: what a selector is shown before an epoch, at what cost, and that nothing else changes."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from conftest import Sized, rows, table
from drivers import Setting, run_loop, run_trainer
from hf_dynsel import Pool, SelectionSampler, Sweep, simulate
from hf_dynsel.per_sample import PerSample
from hf_dynsel.selectors import DensityConsistency
from hf_dynsel.sweep import Sweeper
from sweep_kit import Deep, noisy, scored
from test_drivers_agree import interrupt, require_same_training
from trainer_kit import build


class Watching(Sized):
    """Asks to see every second sample after each epoch, and keeps what it saw."""

    def sweep(self, epoch: int) -> Sweep | None:
        wanted = np.arange(0, self.pool.size, 2)
        return Sweep(wanted, frozenset({"features", "loss", "error"})) if epoch else None

    def observe(self, feedback: Any) -> None:
        if feedback.swept:
            self.shown = [*getattr(self, "shown", []), feedback]


def sparse(**changes: Any) -> DensityConsistency:
    return DensityConsistency(**({"neighbors": 3, "augment": False} | changes))


def by_hand(model: nn.Module, count: int) -> dict[str, np.ndarray]:
    """Returns features, loss and error of every second row, from the written-out formulas."""
    data = rows(count)
    x, labels = torch.tensor(data["x"])[::2], torch.tensor(data["labels"])[::2]
    model.eval()
    with torch.no_grad():
        features = model.body(x)
        logits = model.head(features)
    probabilities = torch.exp(logits) / torch.exp(logits).sum(1, keepdim=True)
    error = probabilities - torch.eye(3)[labels]
    loss = -torch.log(probabilities[torch.arange(len(labels)), labels])
    return {"features": features.numpy(), "loss": loss.numpy(), "error": error.numpy()}


def test_a_selector_is_shown_the_model_as_it_stands_before_the_epoch_and_at_the_end(tmp_path):
    """The checkpoint of each epoch's end has the weights that the next look must have seen."""
    trainer = build(tmp_path, Watching(), model=Deep(), save_strategy="epoch", num_train_epochs=3)
    trainer.train()
    assert [feedback.epoch for feedback in trainer.selector.shown] == [1, 2, 3]
    assert trainer.ledger.samples_swept == 3 * 12
    for feedback in trainer.selector.shown:
        model = Deep()
        checkpoint = tmp_path / f"checkpoint-{6 * feedback.epoch}"
        model.load_state_dict(load_file(checkpoint / "model.safetensors"))
        np.testing.assert_array_equal(feedback.indices, np.arange(0, 24, 2))
        for name, values in by_hand(model, 24).items():
            np.testing.assert_allclose(feedback.signals[name], values, atol=2e-6, err_msg=name)


def test_looking_changes_nothing_of_the_training(tmp_path):
    """Neither weights nor batch statistics nor random numbers: a twin that never looks."""
    states = []
    for selector in (Watching(), Sized()):
        trainer = build(tmp_path / type(selector).__name__, selector, model=Deep())
        torch.manual_seed(5)
        trainer.train()
        states.append(trainer.model.state_dict())
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name]), name


def test_every_part_of_the_model_gets_its_own_mode_back():
    model = Deep().train()
    model.body[1].eval()  # frozen batch statistics
    sweeper = Sweeper(table(6), collate, 4, quiet=True)
    look_at(sweeper, model, 6)
    assert model.training and not model.body[1].training and model.body[3].training


def collate(samples: list[Any]) -> dict[str, torch.Tensor]:
    return {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}


def look_at(sweeper: Sweeper, model: nn.Module, count: int) -> dict[str, np.ndarray]:
    wanted = Sweep(np.arange(count), frozenset({"features"}))
    return sweeper(model, wanted, PerSample(model, ()), lambda inputs: inputs["labels"])


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_rows_come_back_in_their_order_whatever_the_batches(batch_size):
    model = Deep().eval()
    found = look_at(Sweeper(table(10), collate, batch_size, quiet=True), model, 10)
    expected = model.body(torch.tensor(rows(10)["x"])).detach()
    np.testing.assert_allclose(found["features"], expected, atol=1e-6)


def test_swept_samples_and_seconds_are_counted_apart(tmp_path):
    trainer = build(tmp_path, sparse(), train_dataset=scored(24), model=Deep())
    trainer.train()
    ledger = trainer.ledger
    assert ledger.samples_swept == 3 * 24  # of four epochs the first is warm-up
    assert ledger.samples_per_epoch == [24, 12, 12, 12]
    assert ledger.samples_forwarded == ledger.samples_trained == 60
    assert ledger.seconds["sweep"] > 0
    assert [set(numbers) for numbers in ledger.sweeps] == [
        {"recall", "seconds_build", "seconds_query"}
    ] * 3
    assert all(numbers["recall"] == 1 for numbers in ledger.sweeps)


def test_seen_samples_alone_are_swept_again(tmp_path):
    trainer = build(tmp_path, sparse(refresh="seen"), train_dataset=scored(24), model=Deep())
    trainer.train()
    assert trainer.ledger.samples_swept == 24 + 12 + 12  # the first look is at all


def test_the_loop_is_the_trainer_where_features_move(tmp_path):
    setting = Setting(sparse, model=Deep, data=scored, rows=28, save_steps=100)
    whole = run_trainer(setting, tmp_path / "trainer", per_device_eval_batch_size=4)
    assert len(whole.sweeps) == 2
    assert not np.array_equal(whole.sweeps[1]["features"], whole.sweeps[2]["features"])
    require_same_training(run_loop(setting, tmp_path / "loop"), whole)


@pytest.mark.parametrize("refresh", ["full", "seen"])
@pytest.mark.parametrize("run", [run_trainer, run_loop])
def test_an_interrupted_run_looks_and_selects_as_one_that_was_not(run, refresh, tmp_path):
    """Inside the warm-up, in the first batch after a look, and later in that epoch."""
    setting = Setting(lambda: sparse(refresh=refresh), model=Deep, data=scored, rows=28)
    whole = run(setting, tmp_path / "whole")
    first = [epoch for epoch, *_ in whole.batches].index(1)
    for stop in (3, first, first + 2):
        interrupt(run, setting, whole, stop, tmp_path / str(stop))


def test_an_epoch_is_not_trained_before_its_look():
    sampler = SelectionSampler(sparse(warmup_epochs=0, consistency=None), Pool(12), 3)
    assert len(sampler) == 6
    with pytest.raises(RuntimeError, match="wants to see 12 samples before epoch 0"):
        iter(sampler)
    sampler.show({"features": np.eye(12, dtype=np.float32)})
    assert len(list(sampler)) == 6


def test_a_first_epoch_with_a_look_trains(tmp_path):
    trainer = build(tmp_path, sparse(warmup_epochs=0), train_dataset=scored(24), model=Deep())
    trainer.train()
    assert [len(ids) for ids in trainer.epochs()] == [12] * 4
    assert trainer.ledger.samples_swept == 4 * 24


def test_a_selector_that_looks_must_plan_its_sizes():
    class Unplanned(Watching):
        def planned_size(self, epoch: int) -> None:
            return None

    sampler = SelectionSampler(Unplanned(), Pool(24), 3)
    with pytest.raises(ValueError, match="plans no size for it"):
        sampler.set_epoch(1)


def test_the_simulator_shows_what_a_learner_gives():
    features = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
    pool = Pool(24, {"consistency": np.arange(24.0)})
    chosen = simulate(sparse(), pool, 3, lambda epoch, wanted: {"features": features[wanted]})
    assert [len(selection.indices) for selection in chosen] == [24, 12, 12]
    with pytest.raises(ValueError, match="learns from the signals \\['features'\\]"):
        simulate(sparse(), pool, 3)


# ---- The clean view


def test_a_random_transform_needs_a_clean_view(tmp_path):
    with pytest.raises(ValueError, match="pass clean_dataset="):
        build(tmp_path, sparse(), train_dataset=noisy(24), model=Deep())
    build(tmp_path, Sized(), train_dataset=noisy(24), model=Deep())  # it never looks


def test_the_clean_view_is_what_is_looked_at(tmp_path):
    setting = Setting(sparse, model=Deep, data=noisy, rows=28)
    clean = scored(28)
    one = run_loop(setting, tmp_path / "noisy", clean_dataset=clean)
    x = torch.tensor(rows(24)["x"])
    model = Deep()
    model.load_state_dict(one.model)
    assert one.sweeps[1]["features"].shape == (28, 6)
    trainer = build(
        tmp_path / "again",
        Watching(),
        train_dataset=noisy(24),
        model=model,
        num_train_epochs=2,
        learning_rate=0.0,
        clean_dataset=scored(24),
    )
    before = model.eval().body(x[::2]).detach()
    model.body[1].momentum = 0.0
    trainer.train()
    np.testing.assert_allclose(trainer.selector.shown[0].signals["features"], before, atol=1e-6)


def test_a_clean_view_of_other_rows_is_refused(tmp_path):
    with pytest.raises(ValueError, match="clean_dataset has 23 rows and the training set 24"):
        build(tmp_path, sparse(), train_dataset=noisy(24), model=Deep(), clean_dataset=scored(23))


def test_a_model_without_a_linear_head_is_refused_by_name(tmp_path):
    class Headless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4, 3))

        def forward(self, x: Any, labels: Any = None) -> dict[str, Any]:
            logits = x @ self.weight
            return {"loss": F.cross_entropy(logits, labels), "logits": logits}

    trainer = build(tmp_path, sparse(), train_dataset=scored(24), model=Headless())
    with pytest.raises(ValueError, match="Headless runs no nn.Linear"):
        trainer.train()
    assert not trainer.trained  # found before the warm-up


class LossApart(nn.Module):
    """Takes no labels: what trains it computes the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> dict[str, Any]:
        return {"logits": self.head(x)}


def test_a_model_without_labels_is_looked_at_too(tmp_path):
    trainer = build(
        tmp_path,
        sparse(),
        train_dataset=scored(24),
        model=LossApart(),
        remove_unused_columns=False,
        compute_loss_func=lambda outputs, labels, **_: F.cross_entropy(outputs["logits"], labels),
    )
    trainer.train()
    assert trainer.ledger.samples_swept == 3 * 24
