"""The mean F1 over the classes, as a local `evaluate` module."""

from typing import Any

import evaluate
from datasets import Features, Value
from sklearn.metrics import f1_score


class MacroF1(evaluate.Metric):
    """The mean F1, between 0 and 1, over the classes that are true or predicted somewhere.

    A class that is only ever predicted, or never predicted at all, counts as 0.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The mean F1 over the classes that are true or predicted somewhere.",
            citation="",
            inputs_description="predictions and references: the class of each sample.",
            features=Features(predictions=Value("int64"), references=Value("int64")),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        f1 = f1_score(references, predictions, average="macro", zero_division=0)
        return {"macro_f1": float(f1)}
