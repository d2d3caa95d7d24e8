"""When scores look, and what settings they refuse; what a score of a training promises."""

import numpy as np
import pytest

from hf_dynsel.core import Feedback
from hf_dynsel.scores.aum import AUM
from hf_dynsel.scores.el2n import EL2N
from hf_dynsel.scores.entropy import Entropy
from hf_dynsel.scores.forgetting import Forgetting
from hf_dynsel.scores.grand import GraNd
from hf_dynsel.scores.margin import Margin
from hf_dynsel.scores.moso import MoSo
from hf_dynsel.scores.tdds import TDDS
from score_kit import finished

EVERY = (AUM, EL2N, Entropy, Forgetting, GraNd, Margin, MoSo, TDDS)
every = pytest.mark.parametrize("kind", EVERY)
EPOCHS = 4


def reports(score, size, classes, seed=0):
    """Random signals of a whole run; of one class, probabilities are one and errors zero."""
    rng = np.random.default_rng(seed)
    for epoch in range(1, EPOCHS + 1):
        probabilities = rng.dirichlet(np.ones(classes), size).astype(np.float32)
        error = probabilities - np.eye(classes, dtype=np.float32)[rng.integers(classes, size=size)]
        several = classes > 1
        signals = {
            "probabilities": probabilities,
            "error": error,
            "features": rng.normal(size=(size, 3)).astype(np.float32),
            "correct": (rng.random(size) < 0.5).astype(np.float32) if several else np.ones(size),
        }
        for name in ("el2n", "entropy", "gap", "grand", "margin"):
            signals[name] = rng.random(size).astype(np.float32) * several
        swept = not score.signals
        if swept and epoch not in score.looks(EPOCHS):
            continue
        wanted = score.look_signals() if swept else score.signals
        own = {name: signals[name] for name in wanted}
        yield Feedback(epoch, np.arange(size), own, swept=swept)


@every
def test_a_score_is_one_finite_number_per_sample(kind):
    score = kind()
    values = finished(score, 7, list(reports(score, 7, 3)))
    assert values.shape == (7,) and np.isfinite(values).all()
    assert np.ptp(values) > 0


@every
def test_the_rows_may_be_in_any_order(kind):
    score, order = kind(), np.random.default_rng(1).permutation(7)
    given = list(reports(score, 7, 3))
    moved = [
        Feedback(r.epoch, r.indices, {n: v[order] for n, v in r.signals.items()}, r.swept)
        for r in given
    ]
    np.testing.assert_allclose(finished(score, 7, moved), finished(score, 7, given)[order])


@every
@pytest.mark.parametrize(("size", "classes"), [(1, 3), (5, 1), (1, 1)])
def test_one_sample_and_one_class_have_scores(kind, size, classes):
    score = kind()
    values = finished(score, size, list(reports(score, size, classes)))
    assert np.isfinite(values).all()
    if classes == 1:
        assert np.ptp(values) == 0  # nothing tells the samples apart


@every
def test_duplicates_get_one_score(kind):
    score = kind()
    given = list(reports(score, 6, 3))
    for report in given:
        for values in report.signals.values():
            values[4] = values[1]
    values = finished(score, 6, given)
    assert values[4] == pytest.approx(values[1], rel=1e-12)


@every
def test_without_a_report_a_score_is_unknown(kind):
    assert np.isnan(finished(kind(), 3, [])).all()


@every
def test_the_arrays_hold_all_that_was_gathered(kind):
    """Going on from a copy of them, as from a checkpoint, gives the same score."""
    score = kind()
    given = list(reports(score, 7, 3))
    state = score.allocate(7)
    for report in given:
        score.observe(state, report)
        state = {name: array.copy() for name, array in state.items()}
        assert all(len(array) in (1, 7) for array in state.values())
    np.testing.assert_array_equal(score.finish(state), finished(score, 7, given))


@pytest.mark.parametrize("kind", [EL2N, GraNd])
@pytest.mark.parametrize(
    ("epochs", "looks"),
    [
        ((2,), (2,)),
        ((20, 3, 3), (3, 20)),
        ((0,), (0,)),
        (10, (10,)),
        (0.07, (7,)),
        (0.1, (10,)),
        (1.0, (100,)),
    ],
)
def test_looks_are_after_so_many_epochs(kind, epochs, looks):
    """0.07 of 100 is 7.000000000000001 in floats, of which the next whole number is 8."""
    assert kind(epochs=epochs).looks(100) == looks


@pytest.mark.parametrize("kind", [EL2N, GraNd])
def test_short_runs_are_looked_at_once_by_default_and_refused_by_number(kind):
    assert kind().looks(1) == kind().looks(10) == (1,)
    with pytest.raises(ValueError, match=r"looks after 10 epochs, and the run has 3; train for lo"):
        kind(epochs=(10,)).looks(3)


@pytest.mark.parametrize("kind", [EL2N, GraNd])
@pytest.mark.parametrize(
    "epochs", [(), (-1,), (1.5,), (True,), 0.0, 1.5, True, -1, "10", float("nan")]
)
def test_other_ways_to_say_when_are_refused(kind, epochs):
    with pytest.raises((ValueError, TypeError), match="epochs"):
        kind(epochs=epochs)


@every
def test_normalize_is_checked(kind):
    with pytest.raises((ValueError, TypeError), match="normalize"):
        kind(normalize="max")
