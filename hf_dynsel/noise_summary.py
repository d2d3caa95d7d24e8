"""What became of wrong labels in a run, where the true ones are known."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from sklearn.metrics import roc_auc_score

from hf_dynsel.selection_log import share_by_epoch


def noise_summary(
    wrong: Bool[np.ndarray, " n"], scores: Mapping[str, Float[np.ndarray, " n"]], selections: Path
) -> dict[str, Any]:
    """Returns the share of wrong labels in the pool and in each epoch, and each score's AUC.

    Args:
        wrong: which samples have a wrong label.
        scores: of the samples. The AUC is the chance that a sample with the right label has a
            higher score than one with a wrong label.
        selections: the file of the samples of each epoch.
    """
    found: dict[str, Any] = {
        "pool": round(float(wrong.mean()), 6),
        "selected": [round(share, 6) for share in share_by_epoch(selections, wrong)],
    }
    if 0 < wrong.sum() < len(wrong):
        found["auc"] = {
            name: round(float(roc_auc_score(~wrong, values)), 6) for name, values in scores.items()
        }
    return found
