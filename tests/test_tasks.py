"""Every kind of task, against the losses that transformers itself computes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, BertConfig, GPT2Config, LlamaConfig, T5Config, XLMConfig
from transformers import AutoModelForCausalLM as Causal
from transformers import AutoModelForMaskedLM as Masked
from transformers import AutoModelForSeq2SeqLM as Seq2Seq
from transformers import AutoModelForSequenceClassification as Sequence
from transformers import AutoModelForTokenClassification as Tokens

from hf_dynsel.per_sample import PerSample
from hf_dynsel.signals import SIGNALS
from hf_dynsel.tasks import Classes, MultiLabel, Regression, SoftClasses, shifts_labels, task_of

SMALL = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8, "num_hidden_layers": 1}
BERT = {**SMALL, "vocab_size": 20, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
NO_DROPOUT = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
T5 = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0}
IDS = torch.tensor([[2, 3, 4, 5, 6], [7, 8, 9, 0, 0], [2, 8, 4, 1, 3]])
TARGETS = torch.tensor([[1, 0, 2, -100, 1], [0, -100, -100, -100, -100], [2, 2, 1, 0, 0]])


def bert(**settings):
    return BertConfig(**(BERT | settings))


def model_of(cls, config: AutoConfig):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return cls.from_config(config).eval()


CASES = {
    "one label": (Sequence, bert(num_labels=3), torch.tensor([0, 2, 1]), 1),
    "several labels": (
        Sequence,
        bert(num_labels=3),
        torch.tensor([[1.0, 0, 1], [0, 0, 0], [1, 1, 1]]),
        1,
    ),
    "regression": (Sequence, bert(num_labels=1), torch.tensor([0.5, -1.0, 2.0]), 1),
    "several numbers": (
        Sequence,
        bert(num_labels=2, problem_type="regression"),
        torch.tensor([[0.5, 1.0], [2.0, 0.0], [1.0, 1.0]]),
        1,
    ),
    "tokens": (Tokens, bert(num_labels=3), TARGETS, [4, 1, 5]),
    "masked": (Masked, bert(), TARGETS, [4, 1, 5]),
    "causal": (
        Causal,
        LlamaConfig(**SMALL, vocab_size=20, pad_token_id=0, num_key_value_heads=1),
        TARGETS,
        [3, 0, 4],
    ),
    "causal, undeclared": (
        Causal,
        GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=20, n_positions=8, **NO_DROPOUT),
        TARGETS,
        [3, 0, 4],
    ),
    "causal, not shifted": (
        Causal,
        XLMConfig(emb_dim=8, n_layers=1, n_heads=2, n_words=20, dropout=0.0, attention_dropout=0.0),
        TARGETS,
        [4, 1, 5],
    ),
    "sequence to sequence": (
        Seq2Seq,
        T5Config(**T5, vocab_size=20, decoder_start_token_id=0),
        TARGETS,
        [4, 1, 5],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_losses_are_those_of_transformers(name):
    """The batch's mean, and each sample's own loss in a batch of its own."""
    cls, config, labels, items = CASES[name]
    model = model_of(cls, config)
    outputs = model(input_ids=IDS, labels=labels)
    losses = PerSample(model, ()).losses(outputs, labels, 3)
    assert losses.items.tolist() == ([1, 1, 1] if items == 1 else items)
    mean = losses.total.sum() / losses.items.sum()
    assert mean.item() == pytest.approx(outputs["loss"].item(), rel=1e-5)
    for row in range(3):
        if losses.items[row] > 0:
            alone = model(input_ids=IDS[row : row + 1], labels=labels[row : row + 1])["loss"]
            assert losses.means()[row].item() == pytest.approx(alone.item(), rel=1e-4)


@pytest.mark.parametrize("name", ["tokens", "masked", "causal"])
def test_signals_are_means_over_a_samples_own_tokens(name):
    cls, config, labels, _ = CASES[name]
    model = model_of(cls, config)
    read = PerSample(model, SIGNALS)
    outputs = model(input_ids=IDS)
    found = read.signals(outputs, labels, read.losses(outputs, labels, 3))
    logits, targets = outputs["logits"], labels
    if name == "causal":
        logits, targets = logits[:, :-1], labels[:, 1:]
    for row in range(3):
        own = targets[row] != -100
        for signal, function in SIGNALS.items():
            values = function(logits[row][own].detach(), targets[row][own])
            expected = values.mean().item() if own.any() else 0.0
            assert found[signal][row].item() == pytest.approx(expected, abs=1e-6)


def test_signals_of_several_labels():
    """Margins 2, 1 and -3: the least says whether all are right; sigmoid(0) is a half."""
    logits = torch.tensor([[2.0, -1.0, -3.0], [2.0, -1.0, 3.0], [0.0, 0.0, 0.0]])
    labels = torch.tensor([[1.0, 0.0, 1.0], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
    task = MultiLabel()
    assert task.signal("margin", logits, labels).tolist() == [-3.0, 1.0, 0.0]
    assert task.signal("correct", logits, labels).tolist() == [0.0, 1.0, 0.0]
    assert task.signal("el2n", logits, labels)[2].item() == pytest.approx(0.75**0.5)
    assert task.signal("entropy", logits, labels)[2].item() == pytest.approx(0.693147, abs=1e-6)


def test_soft_classes_have_a_loss_and_signals_by_hand():
    """Softmax (.843795, .114195, .042010) of (2, 0, -1), against (.7, .3, 0) and (.3, .7, 0)."""
    logits = torch.tensor([[2.0, 0.0, -1.0]] * 2)
    labels = torch.tensor([[0.7, 0.3, 0.0], [0.3, 0.7, 0.0]])
    task = SoftClasses()
    # -ln of the first two chances is 0.169846 and 2.169846.
    assert task.total(logits, labels, 0.0).tolist() == pytest.approx([0.769846, 1.569846], abs=1e-6)
    assert task.items(labels).tolist() == [1, 1]
    assert task.signal("correct", logits, labels).tolist() == [1.0, 0.0]
    assert task.signal("margin", logits, labels).tolist() == [2.0, -2.0]
    assert task.signal("entropy", logits, labels).tolist() == pytest.approx(
        [0.524267] * 2, abs=1e-6
    )
    # (.143795, -.185805, .042010) and (.543795, -.585805, .042010)
    assert task.signal("el2n", logits, labels).tolist() == pytest.approx(
        [0.238671, 0.800411], abs=1e-5
    )


def test_smoothing_of_soft_classes_takes_a_share_of_the_whole_target():
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    labels = torch.tensor([[0.7, 0.3, 0.0]])
    smoothed = 0.7 * labels + 0.3 / 3
    expected = -(smoothed * logits.log_softmax(1)).sum(1)
    assert torch.allclose(SoftClasses().total(logits, labels, 0.3), expected)


@settings(deadline=None, max_examples=40)
@given(samples=st.integers(1, 5), classes=st.integers(2, 6), seed=st.integers(0, 99))
def test_soft_classes_of_whole_shares_are_classes(samples, classes, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 9 * torch.randn(samples, classes, generator=generator)
    labels = torch.randint(classes, (samples,), generator=generator)
    whole = torch.nn.functional.one_hot(labels, classes).float()
    for smoothing in (0.0, 0.2):
        found = SoftClasses().total(logits, whole, smoothing)
        assert torch.allclose(found, Classes().total(logits, labels, smoothing), atol=1e-5)
    for name in SIGNALS.keys() - {"loss"}:
        found = SoftClasses().signal(name, logits, whole)
        assert torch.allclose(found, Classes().signal(name, logits, labels), atol=1e-6)


def test_soft_labels_are_told_by_whom_they_come_from_and_not_by_their_shape():
    labels = torch.zeros(2, 3)
    assert type(task_of(torch.zeros(2, 3), labels, False, None, soft=True)) is SoftClasses
    assert type(task_of(torch.zeros(2, 3), labels, False, None)) is MultiLabel
    with pytest.raises(
        TypeError, match=r"shape \(2, 3\), .* have \(2, 5\); give mixing .*num_classes"
    ):
        task_of(torch.zeros(2, 5), labels, False, None, soft=True)


def test_a_regression_has_an_error_and_no_margin():
    logits, labels = torch.tensor([[1.0], [3.0]]), torch.tensor([2.0, 3.0])
    assert Regression().signal("el2n", logits, labels).tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match="'margin' is one of classes, and this is a regression"):
        Regression().signal("margin", logits, labels)


@pytest.mark.parametrize(
    ("logits", "labels", "shift", "problem", "kind"),
    [
        ((2, 3), torch.zeros(2, dtype=torch.int64), False, None, Classes),
        ((2, 3), torch.zeros(2, dtype=torch.int64), True, None, Classes),
        ((2, 5, 3), torch.zeros(2, 5, dtype=torch.int64), True, None, Classes),
        ((2, 3), torch.zeros(2, 3), False, None, MultiLabel),
        ((2, 3), torch.zeros(2, 3), False, "regression", Regression),
        ((2, 1), torch.zeros(2), False, None, Regression),
        ((2, 1), torch.zeros(2, 1), False, None, Regression),
        ((2,), torch.zeros(2), False, None, Regression),
    ],
)
def test_shapes_tell_the_task(logits, labels, shift, problem, kind):
    task = task_of(torch.zeros(logits), labels, shift, problem)
    assert type(task) is kind
    if kind is Classes:
        assert task.shift == (shift and labels.ndim > 1)


@pytest.mark.parametrize(
    ("logits", "labels", "given"),
    [
        (
            (2, 5, 3),
            torch.zeros(2, dtype=torch.int64),
            r"\(2, 5, 3\) and torch.int64 labels \(2,\)",
        ),
        ((2,), torch.zeros(2, dtype=torch.int64), r"\(2,\) and torch.int64"),
        ((2, 3), torch.zeros(2), r"\(2, 3\) and torch.float32 labels \(2,\)"),
        ((2, 3), torch.zeros(2, 3, dtype=torch.int64), r"labels \(2, 3\)"),
        ((2, 7, 3), torch.zeros(2, 5, dtype=torch.int64), r"\(2, 7, 3\)"),
    ],
)
def test_other_shapes_are_refused(logits, labels, given):
    with pytest.raises(TypeError, match=f"Got logits.*{given}.*Pass per_sample_loss="):
        task_of(torch.zeros(logits), labels, False, None)


@pytest.mark.parametrize(("name", "shifts"), [("causal", True), ("sequence to sequence", False)])
def test_whether_labels_are_shifted_is_the_models_to_say(name, shifts):
    cls, config, _, _ = CASES[name]
    assert shifts_labels(model_of(cls, config)) is shifts
    assert not shifts_labels(torch.nn.Identity())


@settings(deadline=None, max_examples=40)
@given(samples=st.integers(1, 4), tokens=st.integers(1, 6), seed=st.integers(0, 9))
def test_a_sample_does_not_depend_on_its_batch(samples, tokens, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(samples, tokens, 3, generator=generator)
    labels = torch.randint(-1, 3, (samples, tokens), generator=generator)
    labels[labels < 0] = -100
    task = Classes()
    together = task.total(logits, labels, 0.1)
    alone = [task.total(logits[i : i + 1], labels[i : i + 1], 0.1) for i in range(samples)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)
