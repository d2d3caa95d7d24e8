"""Samples are scored in a pass of their own, and only some of them are trained."""

import numpy as np
import pytest
import torch
from torch import nn

from conftest import Net
from precision_kit import PLAIN_SGD, ROWS, Graded, Hard, Ones, columns, losses_of, trained
from trainer_kit import build


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
