"""How long a run is, against counting by hand and by brute force."""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import SGD
from torch.optim.lr_scheduler import ExponentialLR

from conftest import Sized
from hf_dynsel.core import Pool, Selection, Selector
from hf_dynsel.run_length import RunLength, epochs_for_samples, epochs_for_steps, plan_length
from hf_dynsel.schedule import PacedScheduler
from hf_dynsel.selectors import FullData, RepDiv
from hf_dynsel.steps import StepCounter

COUNTER = StepCounter(4, accumulation=2)


def length(sizes, planned=True, epochs=None, size=24, **changes):
    selector = Sized(sizes=tuple(sizes), planned=planned)
    epochs = len(sizes) if epochs is None else epochs
    selector.setup(Pool(size), math.ceil(epochs))
    return RunLength(selector, changes.pop("counter", COUNTER), epochs, **changes)


def settings_of(**changes):
    defaults = {"num_train_epochs": 3, "max_steps": -1, "match_compute": False}
    return SimpleNamespace(**(defaults | {"lr_follows": "step"} | changes))


def test_planned_epochs_add_up():
    """Batches of 4, two a step: 24 samples are 3 steps, 9 are 2, 8 are 1, 1 is 1."""
    run = length([24, 9, 8, 1])
    assert [run.updates(e, s) for e, s in enumerate([24, 9, 8, 1])] == [3, 2, 1, 1]
    assert run.total() == run.expected() == 7
    assert run.expected(2) == 2


@settings(deadline=None, max_examples=50)
@given(sizes=st.lists(st.integers(1, 24), min_size=1, max_size=6))
def test_unplanned_totals_fall_to_the_truth_as_epochs_are_known(sizes):
    run = length(sizes, planned=False)
    steps = [run.updates(epoch, size) for epoch, size in enumerate(sizes)]
    totals = [run.total()]
    totals += [run.total(e, sum(steps[:e]), size) for e, size in enumerate(sizes)]
    assert totals[0] == 3 * len(sizes)
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] == sum(steps)


def test_a_total_counts_the_epoch_at_hand_by_its_real_size():
    """Two steps done; 9 samples are 2 more, and the last epoch is planned as 24: 3 steps."""
    assert length([16, 1, 24]).total(epoch=1, done=2, samples=9) == 7


@pytest.mark.parametrize(
    ("epochs", "steps"), [(2.5, [3, 3, 2]), (2.1, [3, 3, 1]), (0.5, [2]), (3.0, [3, 3, 3])]
)
def test_a_fractional_last_epoch_trains_its_share_of_steps_rounded_up(epochs, steps):
    """2.1 - 2 is a little more than a tenth in floats; of ten steps it is still one."""
    run = length([24] * len(steps), epochs=epochs)
    assert run.num_epochs == len(steps)
    assert [run.updates(epoch, 24) for epoch in range(len(steps))] == steps
    assert run.total() == sum(steps)


def test_rounding_errors_add_no_step():
    counter = StepCounter(1)
    run = length([10] * 3, epochs=2.1, size=10, counter=counter)
    assert 10 * (2.1 - 2) > 1
    assert run.updates(2, 10) == 1
    assert run.schedule_steps() == 21


def test_max_steps_is_the_total_whatever_is_known():
    run = length([24, 24], max_steps=5)
    assert (run.total(), run.total(1, 3, 24)) == (5, 5)
    assert run.schedule_steps() == 5


def test_the_schedule_is_made_for_full_epochs_or_for_the_steps_there_are():
    sizes = [8, 16, 24]
    assert length(sizes, lr_follows="epoch").schedule_steps() == 9
    assert length(sizes).schedule_steps() == 1 + 2 + 3
    assert length(sizes, epochs=2.5, lr_follows="epoch").schedule_steps() == 8


def test_following_epochs_every_epoch_has_the_same_stretch():
    run = length([8, 16, 24], epochs=2.5, lr_follows="epoch")
    stretches = [run.stretch(epoch, size, 99) for epoch, size in enumerate([8, 16, 24])]
    assert stretches == [(0, 3), (3, 6), (6, 8)]


def test_following_planned_steps_every_step_is_one_schedule_step():
    run = length([8, 16, 24])
    stretches = [run.stretch(0, 8, 0), run.stretch(1, 16, 1), run.stretch(2, 24, 3)]
    assert stretches == [(0, 1), (1, 3), (3, 6)]


def test_with_max_steps_every_step_is_one_schedule_step():
    """The last epoch's stretch goes beyond the end, where the run stops inside."""
    run = length([24, 24], max_steps=5)
    assert [run.stretch(0, 24, 0), run.stretch(1, 24, 3)] == [(0, 3), (3, 6)]


@given(
    sizes=st.lists(st.integers(1, 24), min_size=1, max_size=6),
    lr_follows=st.sampled_from(["epoch", "step"]),
    planned=st.booleans(),
    cut=st.sampled_from([0.0, 0.3, 0.5]),
)
@settings(max_examples=60, deadline=None)
def test_stretches_lead_any_run_to_the_end_of_its_schedule(sizes, lr_follows, planned, cut):
    run = length(sizes, planned, len(sizes) - cut, lr_follows=lr_follows)
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    paced = PacedScheduler(ExponentialLR(optimizer, 0.9))
    optimizer.step()  # torch warns of a schedule that moves before its optimizer
    for epoch, size in enumerate(sizes):
        steps, before = run.updates(epoch, size), paced.position
        paced.pace(*run.stretch(epoch, size, before), steps)
        for _ in range(steps):
            paced.step()
        assert paced.position >= before
    assert paced.position == run.schedule_steps()


@dataclass
class Refining(Selector):
    """Trains on a share, and on everything in the last quarter of the epochs."""

    share: int = 6

    def select(self, epoch: int) -> Selection:
        raise AssertionError("planning draws no samples")

    def planned_size(self, epoch: int) -> int | None:
        last = math.ceil(self.num_epochs / 4)
        return self.pool.size if epoch >= self.num_epochs - last else self.share


def samples_in(epochs, share):
    last = math.ceil(epochs / 4)
    return [share] * (epochs - last) + [24] * last


@settings(deadline=None, max_examples=50)
@given(share=st.integers(1, 24), steps=st.integers(1, 60))
def test_max_steps_takes_the_fewest_epochs_that_fill_it(share, steps):
    def filled(epochs):
        return sum(-(-size // 8) for size in samples_in(epochs, share)) >= steps

    fewest = next(epochs for epochs in range(1, 61) if filled(epochs))
    assert epochs_for_steps(Refining(share=share), Pool(24), COUNTER, steps) == fewest


@settings(deadline=None, max_examples=50)
@given(share=st.integers(1, 24), samples=st.integers(1, 300))
def test_matching_compute_takes_the_epochs_whose_samples_come_closest(share, samples):
    """Of two equally close the longer."""
    gaps = {epochs: abs(sum(samples_in(epochs, share)) - samples) for epochs in range(1, 301)}
    closest = max(e for e, gap in gaps.items() if gap == min(gaps.values()))
    assert epochs_for_samples(Refining(share=share), Pool(24), samples) == closest


def test_a_plan_sets_the_selector_up_for_its_epochs():
    for changes, epochs in (({}, 3), ({"num_train_epochs": 1.2}, 2), ({"max_steps": 7}, 7)):
        selector = Sized(sizes=(8,) * 20)
        run = plan_length(selector, Pool(24), COUNTER, settings_of(**changes))
        assert (run.num_epochs, selector.num_epochs) == (epochs, epochs)


def test_matching_compute_extends_the_epochs_asked_for():
    """A third of the data, for 1.5 full epochs: 36 samples in 4.5 epochs of 8, so 4 or 5."""
    args = settings_of(num_train_epochs=1.5, match_compute=True)
    assert plan_length(Sized(sizes=(8,) * 20), Pool(24), COUNTER, args).epochs == 5


def test_full_data_matches_its_own_compute():
    args = settings_of(match_compute=True)
    assert plan_length(FullData(), Pool(24), COUNTER, args).epochs == 3


def test_repdiv_matches_compute_with_its_refinement_counted():
    """Four full epochs of 20 are 80 samples; RepDiv keeps 6, and all in the last 15 %, rounded up.

    Eight epochs are 6 of 6 samples and 2 of 20, 76 in all; nine are 82, which is closer.
    """
    scores = {name: np.arange(20.0) for name in ("representativeness", "diversity")}
    selector = RepDiv(keep=0.3, quota="none")
    args = settings_of(num_train_epochs=4, match_compute=True)
    run = plan_length(selector, Pool(20, scores), COUNTER, args)
    sizes = [selector.planned_size(epoch) for epoch in range(run.num_epochs)]
    assert (run.epochs, sizes) == (9, [6] * 7 + [20] * 2)


@pytest.mark.parametrize("steps", [1, 3, 7, 10, 13, 25])
def test_with_max_steps_the_rate_reaches_its_end_wherever_the_last_epoch_is_cut(steps):
    """Epochs of ten steps, and a straight line to zero."""
    run = length([80, 80, 80], size=80, max_steps=steps)
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    inner = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    scheduler, taken = PacedScheduler(inner), 0
    for epoch in range(3):
        scheduler.pace(*run.stretch(epoch, 80, scheduler.position), run.updates(epoch, 80))
        for _ in range(min(10, steps - taken)):
            optimizer.step()
            scheduler.step()
            taken += 1
    assert taken == steps and scheduler.get_last_lr()[0] == pytest.approx(0)


@pytest.mark.parametrize("reason", ["max_steps=5", "match_compute"])
def test_what_needs_a_plan_is_refused_without_one(reason):
    changes = {"max_steps": 5} if "5" in reason else {"match_compute": True}
    selector = Sized(sizes=(8,) * 20, planned=False)
    with pytest.raises(ValueError, match=f"{reason} needs the sizes .* Sized decides them while"):
        plan_length(selector, Pool(24), COUNTER, settings_of(**changes))
