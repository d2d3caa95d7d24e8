"""Per-sample losses and signals, read off what a model returns."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from transformers.modeling_outputs import SequenceClassifierOutput

from hf_dynsel.per_sample import PerSample, logits_of, require_known, require_rows_of

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 3.0, 0.0]])
LABELS = torch.tensor([0, 1, 0])


def reader(signals=("loss",), **settings):
    return PerSample(torch.nn.Identity(), signals, **settings)


@pytest.mark.parametrize(
    "outputs", [{"logits": LOGITS}, SequenceClassifierOutput(logits=LOGITS)], ids=["dict", "output"]
)
def test_the_mean_of_the_losses_is_the_models_own_loss(outputs):
    losses = reader().losses(outputs, LABELS, 3)
    assert losses.total.tolist() == pytest.approx([0.169846, 1.098612, 4.065884], abs=1e-6)
    assert losses.items.tolist() == [1, 1, 1]
    assert losses.total.mean() == pytest.approx(F.cross_entropy(LOGITS, LABELS).item())


def test_label_smoothing_spreads_the_target():
    """Of uniform logits every target costs ln 3; else a share 0.3 goes to all three classes."""
    log_p = LOGITS.log_softmax(1)
    expected = -(0.7 * log_p[range(3), LABELS] + 0.1 * log_p.sum(1))
    found = reader(label_smoothing=0.3).losses({"logits": LOGITS}, LABELS, 3).total
    assert torch.allclose(found, expected)
    assert found[1].item() == pytest.approx(1.098612, abs=1e-6)


def test_losses_of_half_precision_logits_are_in_full_precision():
    half = LOGITS.bfloat16()
    found = reader().losses({"logits": half}, LABELS, 3).total
    assert found.dtype == torch.float32
    assert torch.equal(found, reader().losses({"logits": half.float()}, LABELS, 3).total)


def test_the_users_own_loss_comes_first():
    def distance(outputs, labels):
        return outputs["logits"].sum(1) - labels

    losses = reader(own=distance).losses({"logits": LOGITS}, LABELS, 3)
    assert losses.means().tolist() == [1.0, -1.0, 2.0]


def test_the_users_own_loss_gets_several_label_columns_by_name_or_none():
    starts = {"start_positions": torch.tensor([1.0, 2.0, 4.0])}
    found = reader(own=lambda outputs, labels: labels["start_positions"]).losses({}, starts, 3)
    assert found.total.tolist() == [1.0, 2.0, 4.0]
    own = reader(own=lambda outputs, labels: outputs["losses"])
    assert own.losses({"losses": torch.ones(2)}, None, 2).total.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("shape", [(), (2,), (3, 1)])
def test_the_users_own_loss_must_give_one_value_per_sample(shape):
    own = reader(own=lambda outputs, labels: torch.zeros(shape))
    with pytest.raises(ValueError, match=r"per_sample_loss returned shape \(.*\) for 3 samples"):
        own.losses({"logits": LOGITS}, LABELS, 3)


def test_the_loss_signal_is_the_training_loss_itself():
    smoothed = reader(("loss", "correct"), label_smoothing=0.3)
    losses = smoothed.losses({"logits": LOGITS}, LABELS, 3)
    signals = smoothed.signals({"logits": LOGITS}, LABELS, losses)
    assert torch.equal(signals["loss"], losses.total)
    assert signals["correct"].tolist() == [1.0, 0.0, 0.0]


def test_signals_hold_no_gradient_and_losses_do():
    outputs = {"logits": LOGITS.clone().requires_grad_()}
    every = reader(("loss", "el2n", "margin"))
    losses = every.losses(outputs, LABELS, 3)
    signals = every.signals(outputs, LABELS, losses)
    assert losses.total.requires_grad
    assert not any(signal.requires_grad for signal in signals.values())


def test_a_sample_without_tokens_has_the_loss_zero():
    labels = torch.tensor([[-100, -100], [1, -100]])
    losses = reader().losses({"logits": torch.zeros(2, 2, 3)}, labels, 2)
    assert losses.means().tolist() == pytest.approx([0.0, 1.098612])


def test_unknown_signals_are_named_with_those_there_are():
    with pytest.raises(
        ValueError, match=r"unknown signals \['grand', 'odds'\]; known are \['correct', 'el2n'"
    ):
        require_known({"odds", "loss", "grand"})


@pytest.mark.parametrize("outputs", [{"logits": None}, {}, (torch.zeros(1),)])
def test_a_fused_loss_without_logits_is_refused_with_the_remedy(outputs):
    with pytest.raises(TypeError, match=r"returned no logits.*Set use_liger_kernel=False"):
        logits_of(outputs)


@pytest.mark.parametrize(
    ("labels", "found"),
    [(None, "none"), ({"start_positions": LABELS}, r"the columns \['start_positions'\]")],
)
def test_labels_of_an_unknown_kind_ask_for_the_users_own_loss(labels, found):
    with pytest.raises(TypeError, match=f"batch has {found}. Pass per_sample_loss="):
        reader().losses({"logits": LOGITS}, labels, 3)


def test_labels_of_joined_samples_are_refused():
    require_rows_of(LABELS, 3)
    require_rows_of(None, 3)
    with pytest.raises(ValueError, match=r"3 samples and its labels 1 rows.*Set packing=False"):
        require_rows_of(torch.zeros(1, 30), 3)


def test_a_model_gets_no_soft_labels_which_it_would_take_for_several():
    batch = {"pixel_values": LOGITS, "labels": LABELS}
    assert reader().for_model(batch) == batch
    assert list(reader(soft=True).for_model(batch)) == ["pixel_values"]


def test_soft_labels_are_shares_of_classes():
    shares = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.5, 0.0]])
    losses = reader(soft=True).losses({"logits": LOGITS}, shares, 3)
    expected = [0.169846, 1.098612, (4.065884 + 0.065884) / 2]
    assert losses.total.tolist() == pytest.approx(expected, abs=1e-6)
    assert reader(soft=True).items(shares) is None


def test_items_are_known_before_the_model_runs():
    tokens = torch.tensor([[5, 6, -100], [7, -100, -100]])
    assert reader().items(LABELS) is None
    assert reader().items(torch.zeros(3, 4)) is None
    assert reader().items(tokens).tolist() == [2, 1]
    assert reader(own=lambda outputs, labels: labels).items(tokens) is None
    causal = SimpleNamespace(loss_type="ForCausalLM", config=SimpleNamespace())
    assert PerSample(causal, ()).items(tokens).tolist() == [1, 0]
