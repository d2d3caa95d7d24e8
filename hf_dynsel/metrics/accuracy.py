"""The share of right predictions, as a local `evaluate` module."""

from typing import Any

import evaluate
from datasets import Features, Value
from sklearn.metrics import accuracy_score


class Accuracy(evaluate.Metric):
    """The share of right predictions, between 0 and 1."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The share of right predictions.",
            citation="",
            inputs_description="predictions and references: the class of each sample.",
            features=Features(predictions=Value("int64"), references=Value("int64")),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        return {"accuracy": float(accuracy_score(references, predictions))}
