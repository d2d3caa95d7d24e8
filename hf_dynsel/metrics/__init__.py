"""Classification metrics that need no download: local modules for the library `evaluate`."""

from hf_dynsel.metrics.accuracy import Accuracy as Accuracy
from hf_dynsel.metrics.balanced_accuracy import BalancedAccuracy as BalancedAccuracy
from hf_dynsel.metrics.compute import METRICS as METRICS
from hf_dynsel.metrics.compute import compute_metrics as compute_metrics
from hf_dynsel.metrics.macro_f1 import MacroF1 as MacroF1

__all__ = ["Accuracy", "BalancedAccuracy", "METRICS", "MacroF1", "compute_metrics"]
