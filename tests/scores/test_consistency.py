"""Example E14: p_con of the six cosines of methods.md."""

import numpy as np
import pytest
from datasets import Dataset

from hf_dynsel.provenance import record, recorded
from hf_dynsel.scores import Consistency, add_scores

E14 = np.array([0.30, 0.28, 0.10, 0.27, 0.05, 0.26], np.float32)


def compared() -> Dataset:
    dataset = Dataset.from_dict({"label": [0, 1] * 3, "features_cosine": E14})
    return record(dataset, "adapters", {"adapters_fingerprint": "f00d"})


def test_the_cosines_are_put_on_the_scale_from_0_to_1():
    scored = add_scores(compared(), [Consistency()])
    np.testing.assert_allclose(
        scored["score_consistency"], [1, 0.92, 0.2, 0.88, 0, 0.84], atol=1e-6
    )


def test_by_rank_the_distances_do_not_count():
    scored = add_scores(compared(), [Consistency(normalize="rank")])
    assert scored["score_consistency"][:] == pytest.approx([1, 0.8, 0.2, 0.6, 0, 0.4])


def test_without_normalisation_it_is_the_cosine():
    scored = add_scores(compared(), [Consistency(normalize=None)])
    np.testing.assert_array_equal(scored["score_consistency"], E14)


def test_the_note_names_the_adapters():
    note = recorded(add_scores(compared(), [Consistency()]))["scores"]["consistency"]
    assert note["class"] == "Consistency"
    assert note["adapters"]["adapters_fingerprint"] == "f00d"
    assert note["label"] == "label"


def test_without_the_cosine_the_error_says_what_adds_it():
    with pytest.raises(ValueError, match="'features_cosine'.*hf_dynsel.features.add_cosine"):
        add_scores(compared().remove_columns("features_cosine"), [Consistency()])


def test_a_cosine_that_is_nan_is_refused_with_its_row():
    broken = compared().remove_columns("features_cosine")
    broken = broken.add_column("features_cosine", [0.1, 0.2, float("nan"), 0, 0, 0])
    with pytest.raises(ValueError, match="'consistency' is NaN or infinite for 1 rows.*row 2"):
        add_scores(broken, [Consistency()])
