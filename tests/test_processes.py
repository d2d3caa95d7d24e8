"""One, two and four processes with the same samples per step do the same."""

import json
from collections import Counter
from itertools import cycle, islice

import numpy as np
import pytest

import hf_dynsel.selectors as selectors
from distributed_cases import (
    ENDED,
    EPOCHS,
    GLOBAL_BATCH,
    INSIDE,
    PROCESSES,
    RESUMED,
    Sized,
    chooses_once,
    loading,
    looks,
    refused,
    selecting,
)
from hf_dynsel import Selector
from launching import once, torchrun

pytestmark = pytest.mark.slow

SELECTING = {case.name: case for case in selecting()}
LOADING = {case.name: case for case in loading()}
BOTH = SELECTING | LOADING

every_case = pytest.mark.parametrize("name", BOTH)
every_loader = pytest.mark.parametrize("name", LOADING)
several = pytest.mark.parametrize("processes", PROCESSES[1:])


@pytest.fixture(scope="session")
def runs(tmp_path_factory, worker_id):
    """What each process noted, by number of processes, process and case."""
    folder = once("processes", launch_all, tmp_path_factory, worker_id)
    return {processes: read(folder / str(processes), processes) for processes in PROCESSES}


def launch_all(folder):
    first, *others = (2, 1, 4)  # the first leaves checkpoints, with which the others go on
    for processes in (first, *others):
        (folder / str(processes)).mkdir()
    torchrun(first, "distributed_run.py", str(folder / str(first)), timeout=400)
    for processes in others:
        there = [str(folder / str(processes)), str(folder / str(first))]
        torchrun(processes, "distributed_run.py", *there)


def read(folder, processes):
    files = [folder / f"process-{process}.json" for process in range(processes)]
    notes = [json.loads(file.read_text()) for file in files]
    return [{note["name"]: note for note in of_process} for of_process in notes]


def everywhere(runs, name):
    """Every process's note of a case, of all launches that trained it."""
    return [(p, note[name]) for p in PROCESSES for note in runs[p] if name in note]


def test_every_selector_and_loader_ran_in_every_launch(runs):
    for processes in PROCESSES:
        expected = {name for name, case in BOTH.items() if processes in case.processes}
        assert all(expected <= of_process.keys() for of_process in runs[processes])
    assert {name.split("-")[0] for name in SELECTING} > set(selectors.__all__)
    shapes = Counter(name.split("-")[0] for name in SELECTING)
    several = {name for name in selectors.__all__ if shapes[name] == 3}
    one = set(selectors.__all__) - several
    assert all(shapes[name] == 1 for name in one) and len(LOADING) >= 16
    kinds = [getattr(selectors, name)() for name in one]
    assert all(looks(kind) or chooses_once(kind) for kind in kinds)


def test_epochs_of_whole_and_of_broken_batches_were_trained(runs):
    sizes = [
        len(order) % GLOBAL_BATCH for name in SELECTING for order in orders(runs, name).values()
    ]
    assert sizes.count(0) > 20
    assert len(sizes) - sizes.count(0) > 40


def orders(runs, name):
    first = everywhere(runs, name)[0][1]["orders"]
    return {int(epoch): order for epoch, order in first.items()}


@every_case
def test_all_processes_hold_the_same_selection_whatever_their_number(name, runs):
    epochs = str(BOTH[name].settings.get("num_train_epochs", EPOCHS) - 1)
    first = everywhere(runs, name)[0][1]
    assert max(first["hashes"]) == epochs
    for _, note in everywhere(runs, name):
        assert note["hashes"] == first["hashes"]
        assert note["orders"] == first["orders"]


def declared(order, case, processes):
    """The ids that the processes train on together: the epoch's own and Accelerate's padding."""
    together, settings = case.together, case.settings
    if settings.get("dataloader_drop_last"):
        return Counter(order[: len(order) // together * together])
    if processes == 1:
        return Counter(order)
    dispatched = settings.get("accelerator_config", {}).get("dispatch_batches")
    # Either the last batch is filled up from the epoch's start, or it is made divisible.
    multiple = processes if dispatched else together
    return Counter(order) + Counter(islice(cycle(order), -len(order) % multiple))


@every_case
def test_processes_share_the_selection_and_repeat_only_the_declared_padding(name, runs):
    case = BOTH[name]
    for processes in case.processes:
        for epoch, order in orders(runs, name).items():
            trained = Counter()
            for of_process in runs[processes]:
                for of_epoch, batch in of_process[name]["ids"]:
                    trained.update(batch if of_epoch == epoch else [])
            assert trained == declared(order, case, processes)


@every_case
def test_each_sample_is_reported_once_with_its_own_signals(name, runs):
    first = everywhere(runs, name)[0][1]
    drops = BOTH[name].settings.get("dataloader_drop_last")
    for processes, note in everywhere(runs, name):
        for epoch, seen in enumerate(note["observed"]):
            ids = declared(note["orders"][str(epoch)], BOTH[name], processes)
            assert seen["indices"] == sorted(ids)
            reference = first["observed"][epoch]
            assert seen["indices"] == reference["indices"]
            assert seen["signals"].keys() == reference["signals"].keys()
            for signal, values in seen["signals"].items():
                np.testing.assert_allclose(values, reference["signals"][signal], rtol=2e-4)
        assert drops or sum(note["usage"]) <= sum(map(len, note["orders"].values()))


@every_case
def test_looks_see_the_same_in_any_number_of_processes(name, runs):
    first = everywhere(runs, name)[0][1]["swept"]
    for _, note in everywhere(runs, name):
        for seen, reference in zip(note["swept"], first, strict=True):
            assert seen["indices"] == reference["indices"]
            assert seen["signals"].keys() == reference["signals"].keys()
            for signal, values in seen["signals"].items():
                expected = reference["signals"][signal]
                np.testing.assert_allclose(values, expected, rtol=2e-4, atol=1e-6)


@every_case
def test_usage_cost_and_schedule_do_not_depend_on_the_number_of_processes(name, runs):
    first = everywhere(runs, name)[0][1]
    assert first["steps"][0] == first["steps"][1]
    for _, note in everywhere(runs, name):
        for what in ("usage", "samples_per_epoch", "forwarded", "steps", "epoch"):
            assert note[what] == first[what], what
        np.testing.assert_allclose(note["rates"], first["rates"], rtol=1e-12)


@pytest.mark.parametrize("name", SELECTING)
def test_the_loop_does_in_every_process_what_the_trainer_does(name, runs, record_property):
    """DDP as the Trainer sets it up adds gradients in another order: the last bits differ."""
    record_property("cases that agree", 2 * len(PROCESSES))  # a driver and a number of processes
    for processes in PROCESSES:
        for of_process in runs[processes]:
            loop, trainer = of_process[f"loop {name}"], of_process[name]
            for what in trainer.keys() - {"name", "parameters", "observed", "swept"}:
                assert loop[what] == trainer[what], what
            seen = loop["observed"] + loop["swept"], trainer["observed"] + trainer["swept"]
            for own, other in zip(*seen, strict=True):
                assert own["indices"] == other["indices"]
                for signal, values in own["signals"].items():
                    expected = other["signals"][signal]
                    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-6)
            for own, other in zip(loop["parameters"], trainer["parameters"], strict=True):
                np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-6)


def comparable(case):
    """Whether weights agree: samples that fill up the last batch count twice in Trainer's loss."""
    selector = case.selector()
    kind = type(selector)
    weighs, looks = kind.weigh is not Selector.weigh, kind.sweep is not Selector.sweep
    ours = bool(selector.signals) or weighs or looks
    return ours or (case.name.endswith("-32x1") and not isinstance(selector, Sized))


@pytest.mark.parametrize("name", [name for name, case in SELECTING.items() if comparable(case)])
def test_weights_do_not_depend_on_the_number_of_processes(name, runs):
    first = everywhere(runs, name)[0][1]
    for _, note in everywhere(runs, name):
        for own, other in zip(note["parameters"], first["parameters"], strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-6)


@every_loader
def test_every_loss_reaches_its_own_sample(name, runs):
    for _, note in everywhere(runs, name):
        assert len(note["observed"]) == len(note["orders"])
        for seen in note["observed"]:
            assert seen["signals"]["loss"] == seen["indices"]


@pytest.mark.parametrize("processes", PROCESSES)
@pytest.mark.parametrize("step", (ENDED, INSIDE))
@pytest.mark.parametrize("way", RESUMED)
def test_a_run_goes_on_with_any_number_of_processes(way, step, processes, runs):
    """What two processes began; refused where Accelerate would go on at another place."""
    whole = everywhere(runs, "whole")[0][1]
    for of_process in runs[processes]:
        resumed = of_process[f"{way} after {step}"]
        if way == "dispatch" and step == INSIDE and processes > 1:
            assert resumed["error"] == "ValueError"
            assert "Set accelerator_config['dispatch_batches'] to False" in resumed["message"]
            continue
        for what in ("usage", "samples_per_epoch", "steps", "epoch"):
            assert resumed[what] == whole[what], what
        assert resumed["hashes"].items() <= whole["hashes"].items()
        for own, other in zip(resumed["parameters"], whole["parameters"], strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-5)


STOPS = {
    "other seed": ("RuntimeError", "in epoch 0 the processes"),
    "other rows later": ("RuntimeError", "in epoch 2 the processes"),
    "other weights": ("RuntimeError", "in epoch 0 the processes"),
    "uneven batches": ("ValueError", "even_batches"),
}


@several
@pytest.mark.parametrize("name", STOPS)
def test_every_process_stops_with_the_reason(name, processes, runs):
    assert STOPS.keys() == {case.name for case in refused(0)}
    error, start = STOPS[name]
    for of_process in runs[processes]:
        assert of_process[name]["error"] == error
        assert start in of_process[name]["message"]
        if error == "RuntimeError":
            others = str(list(range(1, processes)))
            assert f"{others} selected other samples than process 0" in of_process[name]["message"]
