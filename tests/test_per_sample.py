import pytest
import torch
import torch.nn.functional as F
from transformers.modeling_outputs import SequenceClassifierOutput

from hf_dynsel.per_sample import classification_loss, measure, require_known, sample_losses

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 3.0, 0.0]])
LABELS = torch.tensor([0, 1, 0])


@pytest.mark.parametrize(
    "outputs", [{"logits": LOGITS}, SequenceClassifierOutput(logits=LOGITS)], ids=["dict", "output"]
)
def test_the_mean_of_the_losses_is_the_models_own_loss(outputs):
    losses = classification_loss(outputs, LABELS)
    assert losses.tolist() == pytest.approx([0.169846, 1.098612, 4.065884], abs=1e-6)
    assert losses.mean() == pytest.approx(F.cross_entropy(LOGITS, LABELS).item())


def test_label_smoothing_spreads_the_target():
    """Of uniform logits every target costs ln 3; else a share 0.3 goes to all three classes."""
    log_p = LOGITS.log_softmax(1)
    expected = -(0.7 * log_p[range(3), LABELS] + 0.1 * log_p.sum(1))
    found = classification_loss({"logits": LOGITS}, LABELS, label_smoothing=0.3)
    assert torch.allclose(found, expected)
    assert found[1].item() == pytest.approx(1.098612, abs=1e-6)


def test_losses_of_half_precision_logits_are_in_full_precision():
    logits = LOGITS.bfloat16()
    losses = classification_loss({"logits": logits}, LABELS)
    assert losses.dtype == torch.float32
    assert torch.equal(losses, classification_loss({"logits": logits.float()}, LABELS))


@pytest.mark.parametrize(
    ("logits", "labels", "given"),
    [
        (torch.zeros(2, 5, 3), torch.zeros(2, dtype=torch.int64), r"\(2, 5, 3\) and torch.int64"),
        (torch.zeros(2), torch.zeros(2, dtype=torch.int64), r"\(2,\) and torch.int64"),
        (torch.zeros(2, 3), torch.zeros(2), r"\(2, 3\) and torch.float32 labels \(2,\)"),
        (torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.int64), r"labels \(2, 3\)"),
        (torch.zeros(2, 3), torch.zeros(3, dtype=torch.int64), r"labels \(3,\)"),
    ],
    ids=["tokens", "regression", "float labels", "multi-label", "another length"],
)
def test_what_is_no_classification_is_refused(logits, labels, given):
    with pytest.raises(TypeError, match=f"{given}.*Pass per_sample_loss="):
        classification_loss({"logits": logits}, labels)


def test_the_users_own_loss_comes_first():
    def distance(outputs, labels):
        return outputs["logits"].sum(1) - labels

    losses = sample_losses({"logits": LOGITS}, LABELS, distance, label_smoothing=0.0)
    assert losses.tolist() == [1.0, -1.0, 2.0]


def test_without_one_the_loss_is_the_smoothed_cross_entropy():
    losses = sample_losses({"logits": LOGITS}, LABELS, None, label_smoothing=0.3)
    assert torch.equal(losses, classification_loss({"logits": LOGITS}, LABELS, 0.3))


@pytest.mark.parametrize("shape", [(), (2,), (3, 1)])
def test_the_users_own_loss_must_give_one_value_per_sample(shape):
    with pytest.raises(ValueError, match=r"per_sample_loss returned shape \(.*\) for 3 samples"):
        sample_losses({"logits": LOGITS}, LABELS, lambda outputs, labels: torch.zeros(shape), 0.0)


def test_the_loss_signal_is_the_training_loss_itself():
    losses = torch.tensor([5.0, 6.0, 7.0], requires_grad=True)
    signals = measure({"loss", "correct"}, {"logits": LOGITS}, LABELS, losses)
    assert set(signals) == {"loss", "correct"}
    assert signals["loss"].tolist() == [5.0, 6.0, 7.0]
    assert signals["correct"].tolist() == [1.0, 0.0, 0.0]


def test_signals_hold_no_gradient():
    logits = LOGITS.clone().requires_grad_()
    outputs = {"logits": logits}
    losses = classification_loss(outputs, LABELS)
    signals = measure({"loss", "el2n", "margin"}, outputs, LABELS, losses)
    assert losses.requires_grad
    assert not any(signal.requires_grad for signal in signals.values())


def test_unknown_signals_are_named_with_those_there_are():
    with pytest.raises(
        ValueError, match=r"unknown signals \['grand', 'odds'\]; known are \['correct', 'el2n'"
    ):
        require_known({"odds", "loss", "grand"})


def test_nothing_is_measured_where_nothing_is_wanted():
    assert measure(frozenset(), {"logits": LOGITS}, LABELS, torch.zeros(3)) == {}
