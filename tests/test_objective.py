"""The loss of a step is the same however the step is split, and what trains is what was let."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from conftest import LossDriven, Net, rows
from hf_dynsel import Pool, Selection, SelectionSampler, Selector
from hf_dynsel.objective import Objective
from hf_dynsel.per_sample import PerSample
from hf_dynsel.steps import StepCounter

POOL = Pool(12)


@dataclass
class EvenOnly(Selector):
    """Trains, of each batch, the even rows below ten, with weight two."""

    signals = frozenset({"loss"})

    def select(self, epoch):
        return Selection(np.arange(self.pool.size))

    def weigh(self, feedback):
        trained = (feedback.indices % 2 == 0) & (feedback.indices < 10)
        return np.where(trained, 2.0, 0.0)


def batch_of(ids):
    data = rows(12)
    chosen = np.asarray(ids)
    x = torch.tensor(data["x"])[chosen]
    return torch.from_numpy(chosen), {"x": x, "labels": torch.tensor(data["labels"])[chosen]}


def objective_of(selector, batch_size, accumulation=1, model=None):
    sampler = SelectionSampler(selector, POOL, 2)
    read = PerSample(model or Net(), selector.signals)
    return Objective(sampler, read, StepCounter(batch_size, accumulation=accumulation))


def gradient_of_step(batches, batch_size):
    model, objective = Net(), objective_of(LossDriven(), batch_size, len(batches))
    made = [batch_of(ids) for ids in batches]
    objective.start_step([ids for ids, _ in made], [b["labels"] for _, b in made], done=0)
    for ids, batch in made:
        outputs = model(**batch)
        objective.loss(ids, outputs, batch["labels"], outputs["loss"]).backward()
    return model.linear.weight.grad


def test_a_step_is_the_weighted_mean_over_its_samples():
    """LossDriven starts with rows 0 to 7, odd ones with weight two; by hand, with autograd."""
    model = Net()
    _, batch = batch_of(range(8))
    losses = F.cross_entropy(model(batch["x"])["logits"], batch["labels"], reduction="none")
    weights = torch.tensor([1.0, 2.0] * 4)
    ((losses * weights).sum() / 8).backward()
    assert torch.allclose(gradient_of_step([range(8)], 8), model.linear.weight.grad)


@pytest.mark.parametrize("split", [[[0, 1, 2], [3, 4, 5], [6, 7]], [[0], [1, 2, 3, 4], [5, 6, 7]]])
def test_a_split_step_is_the_same_step(split):
    assert torch.allclose(gradient_of_step(split, 3), gradient_of_step([range(8)], 8), atol=1e-6)


def test_only_what_is_let_is_trained():
    """Rows 0, 2, 4 of seven weigh two: the loss is twice their sum over seven."""
    model, objective = Net(), objective_of(EvenOnly(), 7)
    ids, batch = batch_of(range(7))
    objective.start_step([ids], [batch["labels"]], done=0)
    kept, weights = objective.keep(model, batch, ids, batch["labels"])
    assert weights.tolist() == [2.0] * 4
    assert torch.equal(kept["x"], batch["x"][::2])
    assert torch.equal(kept["labels"], batch["labels"][::2])
    outputs = model(**kept)
    loss = objective.loss_of_kept(outputs, kept["labels"], weights, outputs["loss"])
    by_hand = F.cross_entropy(model(batch["x"])["logits"], batch["labels"], reduction="none")
    assert loss.item() == pytest.approx((2 * by_hand[::2].sum() / 7).item())


def test_where_nothing_is_let_one_sample_stays_without_weight():
    model, objective = Net(), objective_of(EvenOnly(), 3)
    ids, batch = batch_of([1, 3, 11])
    objective.start_step([ids], [batch["labels"]], done=0)
    kept, weights = objective.keep(model, batch, ids, batch["labels"])
    assert (weights.tolist(), len(kept["x"])) == ([0.0], 1)
    outputs = model(**kept)
    objective.loss_of_kept(outputs, kept["labels"], weights, outputs["loss"]).backward()
    assert torch.count_nonzero(model.linear.weight.grad) == 0


def test_looking_at_losses_moves_neither_statistics_nor_random_numbers():
    class Noisy(Net):
        def __init__(self):
            super().__init__()
            self.norm, self.drop = torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5)

        def forward(self, x, labels=None):
            return super().forward(self.drop(self.norm(x)), labels)

    model = Noisy().train()
    objective = objective_of(EvenOnly(), 6, model=model)
    ids, batch = batch_of(range(6))
    objective.start_step([ids], [batch["labels"]], done=0)
    before, mean = torch.get_rng_state(), model.norm.running_mean.clone()
    objective.keep(model, batch, ids, batch["labels"])
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(model.norm.running_mean, mean)


def test_tokens_count_as_they_are_and_not_by_sample():
    """Two micro-batches of three tokens and one: the step is the mean over the four."""
    read = PerSample(torch.nn.Identity(), {"loss"})
    sampler = SelectionSampler(LossDriven(), Pool(3), 1)
    objective = Objective(sampler, read, StepCounter(1, accumulation=2))
    labels = [torch.tensor([[0, 1, 1]]), torch.tensor([[2, -100, -100]])]
    ids = [torch.tensor([0]), torch.tensor([1])]
    logits = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    objective.start_step(ids, labels, done=0)
    flat = F.cross_entropy(logits.view(6, 4), torch.cat(labels).view(6), reduction="none")
    weights = torch.tensor([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])  # row 1 is odd
    own = [flat[:3].sum() / 4, flat[3:].sum() / 4]
    parts = [
        objective.loss(ids[i], {"logits": logits[i : i + 1]}, labels[i], own[i]) for i in range(2)
    ]
    assert sum(parts).item() == pytest.approx(((flat * weights).sum() / 4).item())


@pytest.mark.parametrize("factor", [1.5, 0.5])
def test_a_loss_that_is_not_the_samples_mean_is_refused(factor):
    model, objective = Net(), objective_of(LossDriven(), 4)
    ids, batch = batch_of(range(4))
    objective.start_step([ids], [batch["labels"]], done=0)
    outputs = model(**batch)
    with pytest.raises(ValueError, match=r"own loss of the first batch is .*Pass per_sample_loss="):
        objective.loss(ids, outputs, batch["labels"], outputs["loss"] * factor)


def test_with_the_users_own_loss_the_models_is_not_asked():
    sampler = SelectionSampler(LossDriven(), POOL, 1)
    read = PerSample(Net(), {"loss"}, own=lambda outputs, labels: outputs["logits"].sum(1))
    objective = Objective(sampler, read, StepCounter(4))
    ids, batch = batch_of(range(4))
    objective.start_step([ids], [batch["labels"]], done=0)
    outputs = Net()(**batch)
    loss = objective.loss(ids, outputs, batch["labels"], torch.tensor(99.0))
    weights = torch.tensor([1.0, 2.0, 1.0, 2.0])
    assert loss.item() == pytest.approx(((outputs["logits"].sum(1) * weights).mean()).item())


def test_labels_of_joined_samples_are_refused_before_the_model_runs():
    objective = objective_of(LossDriven(), 4)
    with pytest.raises(ValueError, match="4 samples and its labels 1 rows"):
        objective.start_step([torch.arange(4)], [torch.zeros(1, 9, dtype=torch.int64)], done=0)
