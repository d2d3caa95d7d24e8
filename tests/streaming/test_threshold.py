"""The threshold of a share is exact: against sorting, with ties, zeros and negative numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_dynsel.core import Pool
from hf_dynsel.selectors import TopScore
from hf_dynsel.streaming import threshold
from hf_dynsel.streaming.threshold import largest

FEW = st.sampled_from([-1.5, -0.0, 0.0, 1e-45, -1e-45, 0.25, 0.5, 1.0, 3e38])
ANY = st.floats(width=32, allow_nan=False, allow_infinity=False)


def first_of_largest(values: np.ndarray, count: int) -> list[int]:
    """The rows of the largest values, lower rows first among equals."""
    return sorted(np.argsort(-values.astype(np.float64), kind="stable")[:count].tolist())


@settings(deadline=None, max_examples=60)
@given(values=st.lists(FEW | ANY, min_size=1, max_size=60), data=st.data())
def test_the_rows_are_those_that_sorting_puts_first(values, data):
    scores = np.array(values, np.float32)
    count = data.draw(st.integers(1, len(scores)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(scores)), max_size=3)))
    found = largest(lambda: iter(np.split(scores, cuts)), count)
    parts = np.split(scores, cuts)
    starts = np.concatenate([[0], cuts]).astype(int)
    kept = np.concatenate([found.keeps(p, int(s)) for p, s in zip(parts, starts, strict=True)])
    assert np.flatnonzero(kept).tolist() == first_of_largest(scores, count)
    assert found.count == count
    assert np.float32(found.value) == np.partition(scores, len(scores) - count)[len(scores) - count]


@pytest.mark.parametrize("keep", [0.001, 0.29, 0.3, 0.5, 1.0])
def test_the_rows_are_those_of_top_score(scored, reference, keep):
    values = np.asarray(reference["score_representativeness"], np.float32)
    selector = TopScore(keep=keep, score="representativeness")
    selector.setup(Pool(len(values), {"representativeness": values}), 1)
    found = threshold(scored(3), keep, "representativeness")
    expected = selector.select(0).indices
    assert np.flatnonzero(found.keeps(values, 0)).tolist() == expected.tolist()
    assert found.count == len(expected)


def test_a_score_that_is_not_there_is_named_with_those_that_are(scored):
    with pytest.raises(ValueError, match=r"no score 'el2n' \(it has: diversity, represent"):
        threshold(scored(1), 0.3, "el2n")


@pytest.mark.parametrize("keep", [0.0, 1.5, -1.0])
def test_a_share_that_is_none_is_refused(scored, keep):
    with pytest.raises(ValueError, match=r"keep must be in \(0, 1\]"):
        threshold(scored(1), keep, "diversity")


def test_a_folder_without_finished_scores_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no scores of a stream; call score_stream"):
        threshold(tmp_path, 0.3, "diversity")
    (tmp_path / "layout.json").write_text("{}")
    with pytest.raises(ValueError, match="is not finished; call score_stream, which goes on"):
        threshold(tmp_path, 0.3, "diversity")
