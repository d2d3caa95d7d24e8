import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hf_dynsel.features.contrastive import contrastive_loss


def written_out(samples, texts, labels, scale):
    """The definition, sum by sum, over plain numbers."""
    logit = scale * np.asarray(samples) @ np.asarray(texts).T
    rows, present = range(len(labels)), sorted(set(labels))
    to_texts = 0.0
    for i in rows:
        share = math.exp(logit[i, labels[i]]) / sum(math.exp(logit[i, c]) for c in present)
        to_texts -= math.log(share) / len(labels)
    to_samples = 0.0
    for c in present:
        own = [i for i in rows if labels[i] == c]
        for i in own:
            share = math.exp(logit[i, c]) / sum(math.exp(logit[j, c]) for j in rows)
            to_samples -= math.log(share) / len(own) / len(present)
    return (to_texts + to_samples) / 2


def drawn(rows, classes, dim=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    sizes = (rows, dim), (classes, dim)
    vectors = [torch.randn(*s, generator=generator, dtype=torch.float64) for s in sizes]
    samples, texts = (F.normalize(v, dim=1) for v in vectors)
    return samples, texts, torch.randint(0, classes, (rows,), generator=generator)


def test_where_all_look_alike_the_loss_is_that_of_guessing():
    """Samples guess among 2 texts: ln 2. Texts guess among 3 samples: ln 3."""
    alike = torch.ones(3, 1, dtype=torch.float64)
    got = contrastive_loss(alike, alike[:2], torch.tensor([0, 0, 1]), torch.tensor(9.0).double())
    assert got.item() == pytest.approx((math.log(2) + math.log(3)) / 2)


def test_samples_of_one_class_are_no_negatives_of_each_other():
    """Far apart classes are told apart: what is left is ln 2 for the text with two samples."""
    samples = torch.eye(2, dtype=torch.float64)[[0, 0, 1]]
    labels, scale = torch.tensor([0, 0, 1]), torch.tensor(100.0).double()
    got = contrastive_loss(samples, torch.eye(2, dtype=torch.float64), labels, scale)
    assert got.item() == pytest.approx(math.log(2) / 2 / 2)


@pytest.mark.parametrize(("rows", "classes", "seed"), [(7, 3, 0), (4, 9, 1), (20, 4, 2)])
def test_it_is_what_the_definition_says(rows, classes, seed):
    samples, texts, labels = drawn(rows, classes, seed=seed)
    got = contrastive_loss(samples, texts, labels, torch.tensor(3.0).double())
    expected = written_out(samples.numpy(), texts.numpy(), labels.tolist(), 3.0)
    assert got.item() == pytest.approx(expected, rel=1e-12)


def test_classes_that_are_not_in_the_batch_play_no_part():
    samples, texts, _ = drawn(6, 5)
    labels, scale = torch.tensor([1, 3, 1, 3, 3, 1]), torch.tensor(3.0).double()
    moved = texts.clone()
    moved[[0, 2, 4]] *= -1
    one, other = (contrastive_loss(samples, t, labels, scale) for t in (texts, moved))
    assert one == other


def test_the_order_of_the_samples_plays_no_part():
    samples, texts, labels = drawn(9, 3)
    turn, scale = torch.arange(9).flip(0), torch.tensor(3.0).double()
    one = contrastive_loss(samples, texts, labels, scale)
    other = contrastive_loss(samples[turn], texts, labels[turn], scale)
    assert one.item() == pytest.approx(other.item(), rel=1e-12)


def test_the_gradient_is_that_of_the_definition():
    samples, texts, labels = drawn(6, 3)
    inputs = [samples, texts, torch.tensor(3.0).double()]
    for tensor in inputs:
        tensor.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, t, scale: contrastive_loss(x, t, labels, scale), inputs
    )


def test_a_batch_of_one_class_has_a_finite_loss_and_gradient():
    """Nothing to tell apart among texts: 0. The text is to find three samples alike: ln 3."""
    samples = torch.eye(2)[[0, 0, 0]].requires_grad_()
    loss = contrastive_loss(samples, torch.eye(2), torch.tensor([1, 1, 1]), torch.tensor(100.0))
    torch.autograd.backward(loss)
    assert loss.item() == pytest.approx(math.log(3) / 2)
    assert torch.isfinite(samples.grad).all()
