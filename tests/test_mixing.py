"""MixUp and CutMix: images and targets mixed alike, by timm, from the batch's own numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.data.mixup import Mixup
from torch.utils.data.dataloader import default_collate

from hf_dynsel.draws import Draws
from hf_dynsel.indexed import INDEX, Indexed, IndexedCollator
from hf_dynsel.mixing import Mixing, MixingCollator, require_replaceable

MIXUP, CUTMIX = Mixing(3, mixup_alpha=0.8), Mixing(3, cutmix_alpha=1.0)
MODES = ["batch", "pair", "elem"]


def constant(count):
    """Image i is filled with i; its class is i modulo 3."""
    images = torch.arange(float(count)).view(-1, 1, 1, 1).expand(-1, 1, 8, 8).clone()
    return images, torch.arange(count) % 3


def mixed(mixing, count, seed=0):
    np.random.seed(seed)
    return mixing(*constant(count))


def test_an_image_and_its_target_have_the_same_shares():
    """Of 4 samples 0 goes with 3 and 1 with 2: a pixel is share x own + (1 - share) x other."""
    images, targets = mixed(MIXUP, 4)
    share = targets[1, 1].item()
    assert 0 < share < 1
    assert targets.tolist() == pytest.approx(
        np.array([[1, 0, 0], [0, share, 1 - share], [0, 1 - share, share], [1, 0, 0]])
    )
    expected = [3 * (1 - share), share + 2 * (1 - share), 2 * share + 1 - share, 3 * share]
    assert images[:, 0, 5, 5].tolist() == pytest.approx(expected)


def test_the_share_of_a_cut_is_its_area():
    images, targets = mixed(CUTMIX, 4, seed=3)
    own = (images == torch.arange(4.0).view(-1, 1, 1, 1)).float().mean((1, 2, 3))
    assert 0 < own[1] < 1
    assert targets[1].tolist() == pytest.approx([0, own[1].item(), 1 - own[1].item()])
    assert set(images[1].unique().tolist()) == {1.0, 2.0}


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(1, 9),
    mode=st.sampled_from(MODES),
    alphas=st.sampled_from([(0.4, 0.0), (0.0, 1.0), (0.8, 1.0)]),
    prob=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_every_pixel_is_as_far_between_the_two_as_the_target(count, mode, alphas, prob, seed):
    """Sample i of an even n goes with n - 1 - i; the last of an odd batch stays as it is."""
    images, targets = mixed(Mixing(3, *alphas, prob, mode=mode), count, seed)
    assert torch.allclose(targets.sum(1), torch.ones(count))
    assert (targets >= 0).all()
    even = count // 2 * 2
    for row in range(count):
        other = even - 1 - row if row < even else row
        if row % 3 == other % 3:
            assert targets[row, row % 3].item() == pytest.approx(1)
            continue
        share = targets[row, row % 3].item()
        assert targets[row, other % 3].item() == pytest.approx(1 - share, abs=1e-6)
        mean = images[row].mean().item()
        assert mean == pytest.approx(share * row + (1 - share) * other, abs=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_an_even_batch_is_timms_own(mode):
    np.random.seed(5)
    mixup = Mixup(0.8, 1.0, mode=mode, label_smoothing=0.0, num_classes=3)
    expected = mixup(*constant(6))
    found = mixed(Mixing(3, 0.8, 1.0, mode=mode), 6, seed=5)
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])


def test_one_sample_is_left_as_it_is():
    images, targets = mixed(MIXUP, 1)
    assert torch.equal(images, constant(1)[0])
    assert targets.tolist() == [[1, 0, 0]]


def collated(rows, epoch=0, seed=4, mixing=MIXUP):
    draws = Draws(seed)
    draws.set_epoch(epoch)
    images, labels = constant(12)
    collate = IndexedCollator(MixingCollator(default_collate, mixing), draws)
    samples = [{"pixel_values": images[row], "labels": labels[row]} for row in rows]
    return collate([Indexed(row, sample) for row, sample in zip(rows, samples, strict=True)])


def test_seed_epoch_and_rows_decide_how_a_batch_is_mixed():
    rows = [4, 2, 9, 7]
    np.random.seed(0)
    first = collated(rows)
    np.random.random(9)
    assert all(torch.equal(column, collated(rows)[name]) for name, column in first.items())
    assert first[INDEX].tolist() == rows
    others = [collated(rows, epoch=1), collated(rows, seed=5), collated([4, 2, 9, 8])]
    shares = [batch["labels"].max(1).values.tolist() for batch in (first, *others)]
    assert len({tuple(share) for share in shares}) == 4


def test_the_datasets_own_memory_is_not_mixed():
    images, labels = constant(4)
    shared = {"pixel_values": images, "labels": labels, "more": "kept"}
    batch = MixingCollator(lambda samples: shared, MIXUP)([])
    assert torch.equal(images, constant(4)[0])
    assert torch.equal(labels, constant(4)[1])
    assert not torch.equal(batch["pixel_values"], images)
    assert batch["more"] == "kept"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mixup_alpha": 0.0}, "one of them above 0; got 0.0 and 0.0"),
        ({"cutmix_alpha": -1.0}, "must not be negative.*0.8 and -1.0"),
        ({"prob": 1.5}, "prob must be from 0 to 1, got 1.5"),
        ({"switch_prob": -0.1}, "switch_prob must be from 0 to 1, got -0.1"),
        ({"mode": "half"}, "mode must be one of batch, pair, elem; got 'half'"),
        ({"num_classes": 1}, "num_classes must be at least 2, got 1"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Mixing(**({"num_classes": 3, "mixup_alpha": 0.8} | changes))


IMAGES, LABELS = constant(4)


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (
            {"labels": LABELS},
            ValueError,
            r"needs 'pixel_values' in a batch, which has \['labels'\]",
        ),
        ({"pixel_values": IMAGES}, ValueError, "needs 'labels' in a batch"),
        ((IMAGES, LABELS), ValueError, "which has tuple"),
        (
            {"pixel_values": IMAGES.byte(), "labels": LABELS},
            TypeError,
            "got torch.uint8.*normalise",
        ),
        ({"pixel_values": IMAGES[0], "labels": LABELS}, TypeError, r"of the shape \(1, 8, 8\)"),
        ({"pixel_values": [1], "labels": LABELS}, TypeError, "got list"),
        (
            {"pixel_values": IMAGES, "labels": LABELS.float()},
            ValueError,
            "one class.*torch.float32",
        ),
        ({"pixel_values": IMAGES, "labels": LABELS + 1}, ValueError, "from 1 to 3.*num_classes=3"),
        ({"pixel_values": IMAGES, "labels": LABELS - 1}, ValueError, "from -1 to 1.*0 to 2"),
    ],
)
def test_batches_that_cannot_be_mixed_are_refused(batch, error, message):
    with pytest.raises(error, match=message):
        MixingCollator(lambda samples: batch, MIXUP)([])


def own_loss(outputs, labels, num_items_in_batch=None):
    return outputs["logits"].sum()


def test_a_loss_of_the_users_own_is_not_replaced_silently():
    def theirs(*args):
        return None

    theirs.__module__ = "transformers.trainer"
    require_replaceable(theirs, None, MIXUP)
    require_replaceable(own_loss, own_loss, None)
    with pytest.raises(ValueError, match="compute_loss_func is another; leave out mixing, or"):
        require_replaceable(theirs, own_loss, MIXUP)
    with pytest.raises(ValueError, match="own_loss is another; .* per_sample_loss="):
        require_replaceable(own_loss, None, MIXUP)
