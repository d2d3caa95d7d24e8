import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.sae import SparseCodes
from hf_dynsel.sae.revival import DeadUnits, Revival, flip_negative, strongest_items

CPU = torch.device("cpu")
X2 = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
W2 = [[1.0, 0.0], [0.0, 1.0], [-0.3, -0.4], [0.2, 0.1]]


def dead_after_one_batch(sae, inputs, window=1):
    dead = DeadUnits(sae.config.num_latents, window, CPU)
    dead.observe(sae.encode(inputs))
    return dead.indices


@pytest.mark.parametrize(("reduction", "loss"), [("sum", 1.7645), ("mean", 0.88225)])
def test_revival_loss_by_hand(build, reduction, loss):
    """Unit 2 rebuilds item 0 from -.3: .8425; unit 3 rebuilds item 0 from .2: .922."""
    sae = build(W2, k=1)
    dead = dead_after_one_batch(sae, X2)
    assert dead.tolist() == [2, 3]
    revival = Revival(1.0, reduction, flip=False)
    value = revival.loss(sae, X2, sae.pre_activations(X2), dead)
    assert value.item() == pytest.approx(loss, abs=1e-6)


def test_revival_weight_scales_the_loss_and_no_dead_units_cost_nothing(build):
    sae = build(W2, k=1)
    pre, dead = sae.pre_activations(X2), torch.tensor([2, 3])
    revival = Revival(1 / 32, "mean", flip=False)
    assert revival.loss(sae, X2, pre, dead).item() == pytest.approx(0.88225 / 32)
    assert revival.loss(sae, X2, pre, dead[:0]).item() == 0


def descend(build, flip):
    """Gradient descent on the revival loss of one unit that starts turned away from its item."""
    sae, item = build([[-0.5]]), torch.tensor([[1.0]])
    revival, dead = Revival(1.0, "sum", flip), torch.tensor([0])
    optimizer = torch.optim.SGD([sae.weight, sae.encoder_bias], 0.05)
    for _ in range(300):
        pre = sae.pre_activations(item)
        if flip and flip_negative(sae, pre, dead):
            pre = sae.pre_activations(item)
        optimizer.zero_grad()
        revival.loss(sae, item, pre, dead).backward()
        optimizer.step()
    return sae.weight.item(), sae.pre_activations(item).item()


def test_without_the_flip_a_dead_unit_ends_as_a_perfect_copy_that_never_fires(build):
    weight, answer = descend(build, flip=False)
    assert weight * answer == pytest.approx(1.0, abs=1e-4)
    assert (weight, answer) == (pytest.approx(-0.908, abs=1e-3), pytest.approx(-1.101, abs=1e-3))


def test_with_the_flip_the_same_unit_recovers(build):
    weight, answer = descend(build, flip=True)
    assert weight * answer == pytest.approx(1.0, abs=1e-4)
    assert (weight, answer) == (pytest.approx(0.908, abs=1e-3), pytest.approx(1.101, abs=1e-3))


def test_the_flip_turns_only_dead_units_that_no_item_excites(build):
    sae = build(W2, encoder_bias=[0.0, 0.0, -0.1, 0.0])
    assert flip_negative(sae, sae.pre_activations(X2), torch.tensor([2, 3]))
    turned = [[1.0, 0.0], [0.0, 1.0], [0.3, 0.4], [0.2, 0.1]]
    torch.testing.assert_close(sae.weight.detach(), torch.tensor(turned))
    torch.testing.assert_close(sae.encoder_bias.detach(), torch.tensor([0.0, 0.0, 0.1, 0.0]))
    assert not flip_negative(sae, sae.pre_activations(X2), torch.tensor([2, 3]))


def test_the_flip_leaves_reconstructions_alone(build):
    """By magnitude the unit turned round is kept before and after, with the same product."""
    sae = build(W2, k=2, mode="abs")
    before = sae(X2)
    assert 2 in sae.encode(X2).indices
    flip_negative(sae, sae.pre_activations(X2), torch.tensor([2]))
    torch.testing.assert_close(sae(X2), before)


def test_dead_means_silent_for_the_whole_window_not_for_one_batch():
    """Four units take turns: after any one batch three look dead, over a window of four none."""
    turns = [SparseCodes(torch.ones(1, 1), torch.tensor([[unit]])) for unit in range(4)]
    hasty, patient = DeadUnits(4, 1, CPU), DeadUnits(4, 4, CPU)
    for codes in turns:
        hasty.observe(codes)
        patient.observe(codes)
        assert len(hasty.indices) == 3
        assert len(patient.indices) == 0


def test_each_window_starts_counting_anew():
    dead = DeadUnits(2, 2, CPU)
    for unit in (0, 1, 0, 0):
        dead.observe(SparseCodes(torch.ones(1, 1), torch.tensor([[unit]])))
    assert dead.indices.tolist() == [1]


def test_a_kept_unit_with_value_zero_does_not_count_as_active():
    dead = DeadUnits(2, 1, CPU)
    dead.observe(SparseCodes(torch.tensor([[1.0, 0.0]]), torch.tensor([[0, 1]])))
    assert dead.indices.tolist() == [1]


def test_one_batch_calls_two_thirds_of_12288_units_dead_by_arithmetic_alone():
    """Batch 128 x k 32 = 4096 slots, all on different units: 1 - 4096/12288 = .6667."""
    dead = DeadUnits(12288, 1, CPU)
    dead.observe(SparseCodes(torch.ones(128, 32), torch.arange(4096).reshape(128, 32)))
    assert len(dead.indices) / 12288 == pytest.approx(0.6667, abs=1e-4)


@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_strongest_items_are_the_argmax_of_each_column(items, seed):
    pre = torch.randn(items, 7, generator=torch.Generator().manual_seed(seed))
    units = torch.tensor([5, 0, 3])
    assert torch.equal(strongest_items(pre, units), pre.argmax(0)[units])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((-1.0, "mean", True), "revive_weight must be at least 0, got -1"),
        ((float("nan"), "mean", True), "revive_weight must be at least 0, got nan"),
    ],
)
def test_a_revival_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Revival(*settings)
