"""The mean recall over the classes, as a local `evaluate` module."""

from typing import Any

import evaluate
import numpy as np
from datasets import Features, Value
from sklearn.metrics import recall_score


class BalancedAccuracy(evaluate.Metric):
    """The mean recall, between 0 and 1, over the classes that are true somewhere."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The mean recall over the classes that are true somewhere.",
            citation="",
            inputs_description="predictions and references: the class of each sample.",
            features=Features(predictions=Value("int64"), references=Value("int64")),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        # The same number as balanced_accuracy_score, which warns of classes only predicted.
        true = np.unique(references)
        recall = recall_score(references, predictions, labels=true, average="macro")
        return {"balanced_accuracy": float(recall)}
