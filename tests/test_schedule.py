"""Any schedule, walked through epochs of any lengths, passes its own rates and ends at its end."""

import copy
import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import SGD
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    MultiStepLR,
    OneCycleLR,
)

from hf_dynsel.schedule import PacedScheduler, named_schedule

SCHEDULES = {
    "lambda": lambda optimizer, steps: LambdaLR(optimizer, lambda step: 1 - step / steps),
    "cosine": lambda optimizer, steps: CosineAnnealingLR(optimizer, steps),
    "multi_step": lambda optimizer, steps: MultiStepLR(optimizer, [1, steps // 2, steps]),
    "one_cycle": lambda optimizer, steps: OneCycleLR(optimizer, 0.1, total_steps=steps + 1),
    "exponential": lambda optimizer, steps: ExponentialLR(optimizer, 0.9),
}
every_schedule = pytest.mark.parametrize("build", SCHEDULES.values(), ids=SCHEDULES)

epoch_sizes = st.lists(st.integers(1, 12), min_size=1, max_size=5)


def optimizer_of(rates=(0.1, 0.03)):
    return SGD([{"params": [torch.zeros(1, requires_grad=True)], "lr": rate} for rate in rates])


def paced_with(build, steps):
    optimizer = optimizer_of()
    paced = PacedScheduler(build(optimizer, steps))
    optimizer.step()  # torch warns of a schedule that moves before its optimizer
    return paced, optimizer


def rates_of(optimizer):
    return [float(group["lr"]) for group in optimizer.param_groups]


def bare_rates(build, steps):
    """The rates of the schedule itself, by position."""
    optimizer = optimizer_of()
    return rates_after_each_step(build(optimizer, steps), optimizer, steps)


def rates_after_each_step(schedule, optimizer, steps):
    rates = [rates_of(optimizer)]
    optimizer.step()
    for _ in range(steps):
        schedule.step()
        rates.append(rates_of(optimizer))
    return rates


def walk(paced, sizes, full):
    """Yields epoch and step, both from zero, after every step."""
    for epoch, size in enumerate(sizes):
        paced.pace(epoch * full, (epoch + 1) * full, size)
        for step in range(size):
            paced.step()
            yield epoch, step


@every_schedule
@settings(max_examples=25, deadline=None)
@given(sizes=epoch_sizes, full=st.integers(1, 6))
def test_every_rate_is_the_schedules_own_at_that_share_of_the_epoch(build, sizes, full):
    """Step k of n stands at the share k / n of the epoch's stretch, rounded up to a whole step."""
    bare = bare_rates(build, full * len(sizes))
    paced, optimizer = paced_with(build, full * len(sizes))
    position = 0
    for epoch, step in walk(paced, sizes, full):
        assert paced.position == math.ceil((epoch + Fraction(step + 1, sizes[epoch])) * full)
        assert paced.position >= position
        position = paced.position
        assert rates_of(optimizer) == paced.get_last_lr() == bare[position]
    assert position == full * len(sizes)


@every_schedule
@given(epochs=st.integers(1, 5), full=st.integers(1, 8))
@settings(max_examples=15, deadline=None)
def test_epochs_of_full_length_change_nothing(build, epochs, full):
    paced, optimizer = paced_with(build, epochs * full)
    rates = [rates_of(optimizer)]
    rates += [rates_of(optimizer) for _ in walk(paced, [full] * epochs, full)]
    assert rates == bare_rates(build, epochs * full)


@given(cuts=st.lists(st.floats(0, 40), max_size=5), sizes=st.data())
@settings(max_examples=100, deadline=None)
def test_stretches_that_end_between_steps_still_end_at_the_end(cuts, sizes):
    """Where sizes are not planned an epoch is given a stretch that starts where it stands."""
    paced, optimizer = paced_with(SCHEDULES["exponential"], 40)
    for end in [*sorted(cuts), 40]:
        steps = sizes.draw(st.integers(1, 30))
        before = paced.position
        paced.pace(before, max(before, end), steps)
        for _ in range(steps):
            paced.step()
        assert before <= paced.position <= max(before, math.ceil(end))
    assert paced.position == 40
    assert rates_of(optimizer) == bare_rates(SCHEDULES["exponential"], 40)[40]


def test_steps_beyond_those_announced_do_not_move():
    paced, _ = paced_with(SCHEDULES["exponential"], 10)
    paced.pace(0, 4, 2)
    for _ in range(5):
        paced.step()
    assert paced.position == 4


@every_schedule
@pytest.mark.parametrize("stop", [1, 4, 5, 9])
def test_a_run_that_resumes_has_the_rates_of_one_that_did_not_stop(build, stop, tmp_path):
    """Epochs of 5, 2 and 7 steps; the file is read back as `Trainer` does, without pickle."""
    sizes, full = [5, 2, 7], 6
    paced, optimizer = paced_with(build, 18)
    rates = []
    for count, _ in enumerate(walk(paced, sizes, full), start=1):
        rates.append(rates_of(optimizer))
        if count == stop:
            torch.save([optimizer.state_dict(), paced.state_dict()], tmp_path / "state.pt")

    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    resumed, optimizer = paced_with(build, 18)
    for part, state in zip((optimizer, resumed), saved, strict=True):
        part.load_state_dict(state)
    assert rates_of(optimizer) == resumed.get_last_lr() == rates[stop - 1]
    rest = []
    for count in range(stop, sum(sizes)):
        if count in (5, 7):
            epoch = (5, 7).index(count) + 1
            resumed.pace(epoch * full, (epoch + 1) * full, sizes[epoch])
        resumed.step()
        rest.append(rates_of(optimizer))
    assert rest == rates[stop:]


def test_a_state_does_not_change_afterwards():
    paced, _ = paced_with(SCHEDULES["cosine"], 10)
    state = paced.state_dict()
    saved = copy.deepcopy(state)
    paced.pace(0, 10, 2)
    paced.step()
    assert state == saved


def test_an_epoch_begun_in_the_middle_goes_on_from_there():
    paced, _ = paced_with(SCHEDULES["exponential"], 10)
    paced.pace(0, 10, steps=5, done=3)
    paced.step()
    assert paced.position == 8


def test_one_cycle_peaks_at_the_optimizers_own_rates_and_ends_at_its_lowest():
    """Torch's defaults: from peak / 25 to peak at 30 %, then to peak / 25 / 10,000."""
    optimizer = optimizer_of()
    schedule = named_schedule("one_cycle", optimizer, num_steps=100, num_epochs=10)
    rates = rates_after_each_step(schedule, optimizer, 100)
    for group, peak in enumerate((0.1, 0.03)):
        course = [rate[group] for rate in rates]
        assert course[0] == pytest.approx(peak / 25)
        assert max(course) == pytest.approx(peak, rel=1e-2)
        assert course.index(max(course)) in (29, 30)
        assert course[-1] == min(course) == pytest.approx(peak / 25 / 1e4)


def test_one_cycle_takes_torchs_own_settings():
    optimizer = optimizer_of((0.1,))
    settings = {"max_lr": 0.5, "pct_start": 0.5, "anneal_strategy": "linear", "div_factor": 5}
    schedule = named_schedule("one_cycle", optimizer, 10, 1, **settings)
    rates = [rate for (rate,) in rates_after_each_step(schedule, optimizer, 10)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(("num_epochs", "steps"), [(4, 40), (2.5, 25)])
def test_milestones_are_in_epochs(num_epochs, steps):
    """Ten steps an epoch: the rate falls after 10 steps and after 15."""
    optimizer = optimizer_of((0.1,))
    changes = {"milestones": [1, 1.5], "gamma": 0.5}
    schedule = named_schedule("multi_step", optimizer, steps, num_epochs, **changes)
    rates = [rate for (rate,) in rates_after_each_step(schedule, optimizer, 20)]
    assert rates == [0.1] * 10 + [0.05] * 5 + [0.025] * 6
    assert changes == {"milestones": [1, 1.5], "gamma": 0.5}


def test_multi_step_without_milestones_says_what_to_give():
    with pytest.raises(ValueError, match="multi_step.*milestones.*epochs"):
        named_schedule("multi_step", optimizer_of(), 40, 4)
