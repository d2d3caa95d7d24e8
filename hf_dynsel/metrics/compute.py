"""Turns names of metrics into the function that the `Trainer` calls after an evaluation."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import evaluate
import numpy as np
from transformers import EvalPrediction

from hf_dynsel.metrics.accuracy import Accuracy
from hf_dynsel.metrics.balanced_accuracy import BalancedAccuracy
from hf_dynsel.metrics.macro_f1 import MacroF1

METRICS: Mapping[str, type[evaluate.Metric]] = MappingProxyType(
    {"accuracy": Accuracy, "balanced_accuracy": BalancedAccuracy, "macro_f1": MacroF1}
)


def compute_metrics(names: Sequence[str]) -> Callable[[EvalPrediction], dict[str, float]]:
    """Returns a function from logits and labels to metrics by name, for classification.

    Nothing is downloaded and no file is written, so that any number of processes may evaluate at
    once. The folder of this file also serves `evaluate.load("…/hf_dynsel/metrics/accuracy.py")`.

    Raises:
        ValueError: if a name is unknown.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise ValueError(f"there is no metric '{unknown[0]}'; the metrics are {', '.join(METRICS)}")

    def compute(prediction: EvalPrediction) -> dict[str, float]:
        outputs: Any = prediction.predictions
        # A model that returns more than logits returns them first.
        logits = outputs[0] if isinstance(outputs, tuple) else outputs
        classes = np.argmax(logits, axis=-1)
        results: dict[str, float] = {}
        for name in names:
            # In memory, since the cache files of evaluate collide between processes.
            metric = METRICS[name](keep_in_memory=True)
            results |= metric.compute(predictions=classes, references=prediction.label_ids)
        return results

    return compute
