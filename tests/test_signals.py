"""Per-sample signals, against worked numbers and plain NumPy formulas."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hf_dynsel.signals import SIGNALS, correct, el2n, entropy, loss, margin

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 3.0, 0.0]])
LABELS = torch.tensor([0, 1, 0])


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (loss, [0.169846, 1.098612, 4.065884]),
        (margin, [2.0, 0.0, -4.0]),
        (entropy, [0.524267, 1.098612, 0.274313]),
        (el2n, [0.198004, 0.816497, 1.358203]),
        (correct, [1.0, 0.0, 0.0]),
    ],
)
def test_worked_numbers(signal, expected):
    """Softmax (.843795, .114195, .042010), (1/3, 1/3, 1/3), (.017148, .936240, .046613).

    Of equal logits the first is the prediction, so that the second sample is wrong.
    """
    assert signal(LOGITS, LABELS).tolist() == pytest.approx(expected, abs=1e-6)


def formulas(logits, labels):
    """The signals in double precision, sample by sample."""
    found: dict[str, list[float]] = {name: [] for name in SIGNALS}
    for row, label in zip(logits.astype(np.float64), labels, strict=True):
        shifted = row - row.max()
        log_p = shifted - np.log(np.exp(shifted).sum())
        p = np.exp(log_p)
        found["loss"].append(-log_p[label])
        found["margin"].append(row[label] - np.delete(row, label).max())
        found["entropy"].append(-(p * log_p).sum())
        found["el2n"].append(np.sqrt(((p - np.eye(len(p))[label]) ** 2).sum()))
        found["correct"].append(float(row.argmax() == label))
    return found


@settings(deadline=None)
@given(data=st.data(), samples=st.integers(1, 5), classes=st.integers(2, 6))
def test_every_signal_is_its_formula(data, samples, classes):
    values = st.floats(-60, 60, width=32)
    logits = data.draw(arrays(np.float32, (samples, classes), elements=values))
    labels = data.draw(arrays(np.int64, samples, elements=st.integers(0, classes - 1)))
    expected = formulas(logits, labels)
    for name, signal in SIGNALS.items():
        found = signal(torch.from_numpy(logits), torch.from_numpy(labels)).numpy()
        np.testing.assert_allclose(found, expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_give_signals_in_full_precision(name, dtype):
    """The margin of 40,000 and -40,000 is 80,000, beyond float16; 3 + 1/128 is no bfloat16."""
    logits = torch.tensor([[4e4, -4e4], [-(2.0**-7), 3.0], [0.1, 0.2]]).to(dtype)
    labels = torch.tensor([0, 1, 1])
    found = SIGNALS[name](logits, labels)
    assert found.dtype == torch.float32
    assert torch.equal(found, SIGNALS[name](logits.float(), labels))


@pytest.mark.parametrize("name", SIGNALS)
def test_certain_predictions_stay_finite(name):
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]])
    assert torch.isfinite(SIGNALS[name](logits, torch.tensor([0, 0]))).all()


@pytest.mark.parametrize("name", SIGNALS)
def test_a_sample_does_not_depend_on_its_batch(name):
    alone = [SIGNALS[name](LOGITS[i : i + 1], LABELS[i : i + 1]).item() for i in range(3)]
    assert SIGNALS[name](LOGITS, LABELS).tolist() == pytest.approx(alone, abs=1e-6)


def test_the_logits_are_not_changed():
    logits = LOGITS.clone()
    for signal in SIGNALS.values():
        signal(logits, LABELS)
    assert torch.equal(logits, LOGITS)


def test_a_single_class_has_no_margin():
    assert margin(torch.tensor([[3.0], [-1.0]]), torch.zeros(2, dtype=torch.int64)).tolist() == [
        0,
        0,
    ]
