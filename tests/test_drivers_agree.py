"""Trainer, loop and simulator select, weigh and count the same, however a run is interrupted.

Here in one process; over 1, 2 and 4 of them in `test_processes.py`.
"""

import numpy as np
import pytest

from distributed_cases import EPOCHS, every_selector
from drivers import Run, Setting, run_loop, run_simulator, run_trainer

SELECTORS = every_selector()


@pytest.fixture
def agreed(record_property):
    """Counts cases: a selector, a driver, an accumulation and a point of interruption, or none."""

    def count(cases: int) -> None:
        assert cases > 0
        record_property("cases that agree", cases)

    return count


@pytest.fixture(scope="module", params=SELECTORS)
def trained(request, tmp_path_factory):
    """A setting, and the trainer's run of it from beginning to end."""
    setting = Setting(SELECTORS[request.param])
    return setting, run_trainer(setting, tmp_path_factory.mktemp(request.param))


def require_same_arrays(own, other):
    assert own.keys() == other.keys()
    for name, array in own.items():
        assert np.array_equal(array, other[name]), name


def require_same_selection(own: Run, reference: Run) -> None:
    """The weight of each sample in each epoch, its use, and what the selector has learnt."""
    assert own.weights() == reference.weights()
    assert np.array_equal(own.usage, reference.usage)
    require_same_arrays(own.state, reference.state)


def require_same_training(own: Run, reference: Run) -> None:
    """Also the micro-batches, learning rates, reports, costs and the model, bit for bit.

    A run that was resumed has done no more than the end of the reference.
    """
    assert own.batches == reference.batches[len(reference.batches) - len(own.batches) :]
    assert own.rates == reference.rates[len(reference.rates) - len(own.rates) :]
    for report in own.reports:
        expected = reference.reports[report.epoch]
        assert np.array_equal(report.indices, expected.indices)
        require_same_arrays(report.signals, expected.signals)
    for epoch, shown in own.sweeps.items():
        require_same_arrays(shown, reference.sweeps[epoch])
    assert np.array_equal(own.usage, reference.usage)
    require_same_arrays(own.state, reference.state)
    assert own.costs == reference.costs
    require_same_arrays(own.model, reference.model)


def interrupt(run, setting, whole, stop, folder):
    """Stops inside a micro-batch, and goes on from the last checkpoint with everything new."""
    first = run(setting, folder, stop=stop)
    assert first.batches == whole.batches[:stop] and not first.model
    rest = run(setting, folder, resume=True)
    assert len(rest.batches) >= len(whole.batches) - stop
    require_same_training(rest, whole)


def test_the_loop_is_the_trainer_bit_for_bit(trained, tmp_path, agreed):
    setting, whole = trained
    loop = run_loop(setting, tmp_path)
    assert len(loop.batches) == len(whole.batches) and len(loop.reports) == EPOCHS
    require_same_training(loop, whole)
    agreed(2)


def test_the_simulator_selects_as_training_does(trained, agreed):
    """Told the losses that training reported; in one go, and from the state at each epoch."""
    setting, whole = trained
    for pause in (None, *range(EPOCHS)):
        require_same_selection(run_simulator(setting, whole, pause), whole)
    agreed(1 + EPOCHS)


@pytest.mark.parametrize("run", [run_trainer, run_loop])
def test_an_interrupted_run_ends_as_one_that_was_not(run, trained, tmp_path, agreed):
    """Inside a step, in the first micro-batch of an epoch, and in the last of all."""
    setting, whole = trained
    second_epoch = [epoch for epoch, *_ in whole.batches].index(1)
    stops = {3, second_epoch, len(whole.batches) - 1}
    for stop in stops:
        interrupt(run, setting, whole, stop, tmp_path / str(stop))
    agreed(len(stops))


@pytest.mark.slow
@pytest.mark.parametrize("accumulation", [1, 2, 3])
@pytest.mark.parametrize("name", SELECTORS)
def test_trainer_and_loop_agree_wherever_they_are_interrupted(name, accumulation, tmp_path, agreed):
    setting = Setting(SELECTORS[name], accumulation)
    whole = run_trainer(setting, tmp_path / "whole")
    require_same_training(run_loop(setting, tmp_path / "loop"), whole)
    drivers = {"trainer": run_trainer, "loop": run_loop}
    for kind, run in drivers.items():
        for stop in range(len(whole.batches)):
            interrupt(run, setting, whole, stop, tmp_path / f"{kind}-{stop}")
    agreed(2 + 2 * len(whole.batches))
