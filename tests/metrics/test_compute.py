import socket
from pathlib import Path

import evaluate
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import EvalPrediction

from hf_dynsel import metrics
from hf_dynsel.metrics import METRICS, compute_metrics

FOLDER = Path(metrics.__file__).parent
ALL = compute_metrics(list(METRICS))


def score(references: list[int], predictions: list[int], classes: int = 5) -> dict[str, float]:
    logits = np.eye(classes)[predictions]
    return ALL(EvalPrediction(predictions=logits, label_ids=np.array(references)))


def by_hand(references: list[int], predictions: list[int]) -> dict[str, float]:
    pairs = list(zip(references, predictions, strict=True))
    recall, f1 = {}, {}
    for c in {*references, *predictions}:
        hits = sum(r == p == c for r, p in pairs)
        true, said = references.count(c), predictions.count(c)
        f1[c] = 2 * hits / (true + said)
        if true:
            recall[c] = hits / true
    return {
        "accuracy": sum(r == p for r, p in pairs) / len(pairs),
        "balanced_accuracy": sum(recall.values()) / len(recall),
        "macro_f1": sum(f1.values()) / len(f1),
    }


def test_worked_numbers() -> None:
    """Class 0: 2 of 3 found, none invented, F1 0.8. Class 1: found, one of two right, F1 2/3."""
    results = score([0, 0, 0, 1], [0, 0, 1, 1])
    assert results["accuracy"] == 0.75
    assert results["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert results["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_they_equal_a_count_by_hand_whatever_classes_are_absent(
    pairs: list[tuple[int, int]],
) -> None:
    references, predictions = ([pair[i] for pair in pairs] for i in (0, 1))
    assert score(references, predictions) == pytest.approx(by_hand(references, predictions))


def test_only_the_named_metrics_are_computed() -> None:
    prediction = EvalPrediction(predictions=np.eye(2), label_ids=np.array([0, 1]))
    assert compute_metrics(["macro_f1"])(prediction) == {"macro_f1": 1.0}


def test_logits_come_first_among_several_outputs() -> None:
    outputs = (np.eye(2), np.zeros((2, 7)))
    prediction = EvalPrediction(predictions=outputs, label_ids=np.array([0, 1]))
    assert compute_metrics(["accuracy"])(prediction) == {"accuracy": 1.0}


def test_a_second_evaluation_starts_afresh() -> None:
    score([0, 1], [1, 0])
    assert score([0, 1], [0, 1])["accuracy"] == 1.0


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no metric 'f1'; the metrics are accuracy, balanced_acc"):
        compute_metrics(["accuracy", "f1"])


@pytest.mark.parametrize("name", METRICS)
def test_evaluate_loads_each_by_path_without_network(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*address: object) -> None:
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    metric = evaluate.load(str(FOLDER / f"{name}.py"), cache_dir=str(tmp_path))
    result = metric.compute(predictions=[0, 0, 1, 1], references=[0, 0, 0, 1])
    assert result == pytest.approx({name: by_hand([0, 0, 0, 1], [0, 0, 1, 1])[name]})


def test_no_file_is_written_that_another_process_could_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", tmp_path)
    monkeypatch.setattr("evaluate.module.FileLock", lambda path: written.append(path))
    score([0, 1], [0, 1])
    assert not written
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_public_names_are_sorted_and_exist() -> None:
    assert metrics.__all__ == sorted(metrics.__all__)
    assert all(hasattr(metrics, name) for name in metrics.__all__)
