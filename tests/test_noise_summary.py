"""What a run says of wrong labels."""

import numpy as np

from hf_dynsel.core import Selection
from hf_dynsel.noise_summary import noise_summary
from hf_dynsel.selection_log import SelectionLog

WRONG = np.array([True, False, False, True])


def log_of(folder):
    log = SelectionLog(folder)
    log.write(0, Selection(np.array([0, 1])))
    log.write(1, Selection(np.array([1, 2])))
    return log.join(2)


def test_auc_is_the_chance_that_a_right_label_scores_higher(tmp_path):
    """Right 3 and 1, wrong 2 and 0: of the four pairs three are in order."""
    scores = {"consistency": np.array([2.0, 3.0, 1.0, 0.0])}
    assert noise_summary(WRONG, scores, log_of(tmp_path)) == {
        "pool": 0.5,
        "selected": [0.5, 0.0],
        "auc": {"consistency": 0.75},
    }


def test_without_wrong_labels_there_is_no_auc(tmp_path):
    none = noise_summary(np.zeros(4, bool), {"any": np.arange(4.0)}, log_of(tmp_path))
    assert none == {"pool": 0.0, "selected": [0.0, 0.0]}
