"""Gradient norms of single samples, against autograd one sample at a time."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    ViTConfig,
    ViTForImageClassification,
)

from hf_dynsel import gradient_norms as module
from hf_dynsel.gradient_norms import gradient_norms


class Conv(nn.Module):
    """A small network whose batch statistics and dropout tell evaluation mode from training."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Conv2d(4, 4, 3, stride=2),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.head = nn.Linear(36, 3)

    def forward(self, x, labels=None):
        return {"logits": self.head(self.body(x))}


def seeded(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make()


def images(count):
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(count) % 3
    return {"x": torch.randn(count, 1, 8, 8, generator=generator), "labels": labels}


def trained_a_little():
    """Batch statistics that are not those of any batch below."""
    model = seeded(Conv).train()
    with torch.random.fork_rng():
        for _ in range(3):
            model(torch.randn(16, 1, 8, 8) * 2 + 1)
    return model.eval()


def loss(run, one):
    logits = run(**one)["logits"]
    return F.cross_entropy(logits, one["labels"])


def one_at_a_time(model, inputs):
    norms = []
    for row in range(len(inputs["labels"])):
        model.zero_grad()
        loss(model, {name: value[row : row + 1] for name, value in inputs.items()}).backward()
        parts = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        norms.append(float(torch.cat(parts).norm()))
    model.zero_grad()
    return norms


@pytest.mark.parametrize("most", [1, 2000, 2**28])
def test_norms_are_those_of_autograd_however_many_go_at_a_time(most, monkeypatch):
    monkeypatch.setattr(module, "MOST_NUMBERS", most)
    model, inputs = trained_a_little(), images(5)
    with torch.no_grad():  # as a look does
        found = gradient_norms(model, inputs, loss)
    np.testing.assert_allclose(found, one_at_a_time(model, inputs), rtol=1e-5)


def test_nothing_of_the_model_changes():
    model = trained_a_little()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gradient_norms(model, images(4), loss)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_weights_that_are_not_trained_have_no_part():
    model, inputs = trained_a_little(), images(3)
    model.body.requires_grad_(False)
    features = model.body(inputs["x"])
    error = model.head(features).softmax(1) - torch.eye(3)[inputs["labels"]]
    expected = error.norm(dim=1) * (1 + features.square().sum(1)).sqrt()
    torch.testing.assert_close(gradient_norms(model, inputs, loss), expected.detach())


SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "num_labels": 3}


def text_model():
    config = BertConfig(intermediate_size=16, vocab_size=20, **SMALL)
    ids = torch.arange(15).reshape(3, 5) + 1
    mask = torch.ones(3, 5, dtype=torch.long)
    mask[1, 3:] = 0
    inputs = {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([0, 1, 2])}
    return BertForSequenceClassification(config).eval(), inputs


def image_model():
    config = ViTConfig(intermediate_size=16, image_size=8, patch_size=4, num_channels=1, **SMALL)
    inputs = {"pixel_values": images(3)["x"], "labels": torch.tensor([0, 1, 2])}
    return ViTForImageClassification(config).eval(), inputs


@pytest.mark.parametrize("make", [text_model, image_model])
def test_models_of_transformers_go_too_also_those_that_branch_on_values(make):
    model, inputs = seeded(make)
    expected = one_at_a_time(model, inputs)
    np.testing.assert_allclose(gradient_norms(model, inputs, loss), expected, rtol=1e-4)


def test_what_all_samples_share_and_a_fault_of_the_model_reach_it():
    model = seeded(Conv).eval()

    def broken(run, one):
        assert one["note"] == "shared"
        raise RuntimeError("a fault of its own")

    with pytest.raises(RuntimeError, match="a fault of its own"):
        gradient_norms(model, {**images(2), "note": "shared"}, broken)
