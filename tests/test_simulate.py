import math
import tracemalloc
from dataclasses import dataclass, field

import numpy as np
import pytest

from hf_dynsel.core import Feedback, Pool, Selection, Selector
from hf_dynsel.selectors import (
    DensityConsistency,
    DynamicRandom,
    FullData,
    RepDiv,
    StaticRandom,
)
from hf_dynsel.simulate import plan, simulate
from hf_dynsel.usage import gini, never_used, overlap


@dataclass
class Hardest(Selector):
    """The half with the largest losses so far, in falling order."""

    losses: np.ndarray = field(init=False, repr=False)
    signals = frozenset({"loss"})

    def allocate(self) -> None:
        self.losses = np.full(self.pool.size, 9.0)
        self.seen: list[Feedback] = []

    def select(self, epoch: int) -> Selection:
        order = np.argsort(-self.losses, kind="stable")
        return Selection(order[: self.pool.size // 2])

    def observe(self, feedback: Feedback) -> None:
        self.losses[feedback.indices] = feedback.signals["loss"]
        self.seen.append(feedback)


def test_feedback_of_an_epoch_shapes_the_next():
    """Rows 0 and 1 go first and turn out easy (losses 0 and 1), so 2 and 3 follow, then 3 and 2."""
    history = simulate(Hardest(), Pool(4), 3, lambda epoch, rows: {"loss": rows.astype(float)})
    assert [s.indices.tolist() for s in history] == [[0, 1], [2, 3], [3, 2]]


def test_the_learner_gets_sorted_rows_and_the_last_epoch_is_observed():
    selector, asked = Hardest(), []

    def learner(epoch: int, rows: np.ndarray) -> dict[str, np.ndarray]:
        asked.append((epoch, rows.tolist()))
        return {"loss": rows.astype(float)}

    simulate(selector, Pool(4), 3, learner)
    assert asked == [(0, [0, 1]), (1, [2, 3]), (2, [2, 3])]
    assert [feedback.epoch for feedback in selector.seen] == [0, 1, 2]


def test_a_selector_that_learns_from_signals_needs_a_learner():
    with pytest.raises(ValueError, match=r"Hardest learns from the signals \['loss'\].*learner"):
        simulate(Hardest(), Pool(4), 3)


def test_a_plan_agrees_with_the_simulation():
    selector, pool, epochs = DynamicRandom(keep=0.3), Pool(50), 7
    chosen = [s.indices for s in simulate(selector, pool, epochs)]
    counts = np.bincount(np.concatenate(chosen), minlength=50)
    shared = [overlap(a, b) for a, b in zip(chosen, chosen[1:], strict=False)]
    found = plan(selector, pool, epochs, batch_size=4)
    assert found.samples_per_epoch == (15,) * 7
    assert found.samples_trained == 105
    assert found.samples_full == 350
    assert found.saving == pytest.approx(350 / 105)
    assert found.choice.never_used == never_used(counts)
    assert found.choice.gini == gini(counts)
    assert found.choice.most_used == counts.max()
    assert found.choice.overlap == pytest.approx(np.mean(shared))
    assert found.choice.seconds_select > 0


def test_short_last_batches_are_optimizer_steps():
    """15 samples in batches of 4 are four steps, in each of 7 epochs."""
    assert plan(StaticRandom(keep=0.3), Pool(50), 7, batch_size=4).optimizer_steps == 28


def test_a_plan_counts_growing_epochs_as_they_are():
    """17 epochs of 30 and 3 of 100, in batches of 32: 17 * 1 + 3 * 4 steps."""
    scores = {"representativeness": np.arange(100.0), "diversity": np.arange(100.0)}
    found = plan(RepDiv(quota="none"), Pool(100, scores), 20, batch_size=32)
    assert found.samples_per_epoch == (30,) * 17 + (100,) * 3
    assert found.optimizer_steps == 17 + 12


def test_full_data_saves_nothing():
    found = plan(FullData(), Pool(10), 3, batch_size=5)
    assert (found.saving, found.choice.overlap, found.choice.gini, found.choice.most_used) == (
        1.0,
        1.0,
        0.0,
        3,
    )


def test_one_epoch_has_no_overlap():
    assert plan(FullData(), Pool(10), 1, batch_size=5).choice.overlap is None


def test_a_plan_takes_a_learner():
    found = plan(Hardest(), Pool(4), 3, 1, lambda epoch, rows: {"loss": rows.astype(float)})
    assert found.choice.never_used == 0
    assert found.choice.overlap == 0.5


def test_state_and_peak_memory_are_in_bytes():
    """A byte per row counts two epochs; ranking takes at least the values it ranks by."""
    rng = np.random.default_rng(0)
    scores = {"representativeness": rng.random(10_000), "diversity": rng.random(10_000)}
    found = plan(RepDiv(quota="none"), Pool(10_000, scores), 2, batch_size=100)
    assert found.state_bytes == 10_000
    assert 80_000 < found.choice.peak_bytes < 1_000_000


def test_a_plan_does_not_stop_memory_tracing_of_the_caller():
    tracemalloc.start()
    try:
        plan(FullData(), Pool(10), 1, batch_size=5)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_a_plan_never_holds_all_selections():
    """Sixty epochs of 30 % in int64 would be 144 bytes a row."""
    size = 20_000
    tracemalloc.start()
    plan(DynamicRandom(keep=0.3), Pool(size), 60, batch_size=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * size


@pytest.mark.parametrize("batch_size", [0, -4])
def test_a_batch_size_below_one_is_refused(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be at least 1, got {batch_size}"):
        plan(FullData(), Pool(10), 1, batch_size)


def test_steps_are_those_of_exact_division():
    found = plan(FullData(), Pool(97), 2, batch_size=32)
    assert found.optimizer_steps == 2 * math.ceil(97 / 32)


def test_a_selector_that_looks_at_features_is_counted_without_choosing():
    """Of 20 rows half in three of four epochs, after one on all: 20 + 3 x 10, and 3 looks at 20."""
    selector = DensityConsistency(consistency=None, neighbors=3)
    found = plan(selector, Pool(20), 4, batch_size=8)
    assert found.samples_per_epoch == (20, 10, 10, 10)
    assert (found.optimizer_steps, found.samples_swept) == (3 + 3 * 2, 60)
    assert found.choice is None


def test_looks_are_counted_where_a_learner_gives_features():
    features = np.random.default_rng(0).normal(size=(20, 3))
    selector = DensityConsistency(consistency=None, neighbors=3)
    found = plan(selector, Pool(20), 4, 8, lambda _, rows: {"features": features[rows]})
    assert found.samples_swept == 60 and found.choice is not None and found.choice.most_used == 4


def test_a_selector_that_never_looks_is_planned_whole():
    selector = DensityConsistency(fusion="geometric", weight=0.0, neighbors=3)
    pool = Pool(20, {"consistency": np.arange(20.0)})
    found = plan(selector, pool, 4, batch_size=8)
    assert found.samples_swept == 0 and found.choice is not None
    assert found.choice.most_used == 4
