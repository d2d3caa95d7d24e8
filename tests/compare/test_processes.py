"""Several runs at once, with small processes in place of training."""

import os
import signal
import subprocess
import sys

import pytest

from hf_dynsel.cli import main
from hf_dynsel.compare import processes
from hf_dynsel.compare.cells import source_of
from hf_dynsel.compare.processes import prepare_all, run_apart

PLACES = [{"PLACE": "a"}, {"PLACE": "b"}]


@pytest.fixture
def cells(quickstart):  # noqa: ANN201
    source = source_of(quickstart())
    section = {"name": "DynamicRandom", "keep": 0.3}
    return [source.cell("equal_epochs", 0.3, "A", section, seed, {}) for seed in range(5)]


def python(code: str, **streams: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-S", "-c", code], **streams)  # type: ignore[call-overload,no-any-return]


def test_each_place_has_one_process_at_a_time(cells) -> None:
    running: dict[str, subprocess.Popen[bytes]] = {}
    order: list[int] = []

    def start(cell, resume, place):  # noqa: ANN001, ANN202
        before = running.get(place["PLACE"])
        assert before is None or before.poll() is not None
        running[place["PLACE"]] = process = python("")
        order.append(cell.seed)
        return process

    assert run_apart(cells, PLACES, start) == {}
    assert order == [0, 1, 2, 3, 4]
    assert sorted(running) == ["a", "b"]


def test_a_process_that_fails_stops_no_other_and_its_last_words_are_kept(cells) -> None:
    def start(cell, resume, place):  # noqa: ANN001, ANN202
        code = (
            "import sys; print('much'); sys.exit('ValueError: no such thing')"
            if cell.seed == 2
            else ""
        )
        with (cell.recipe.folder / "run.log").open("wb") as log:
            return python(code if cell.seed == 2 else "", stdout=log, stderr=log)

    failed = run_apart(cells, PLACES, start)
    log = cells[2].recipe.folder / "run.log"
    assert failed == {"A, keep 0.3, seed 2": f"ValueError: no such thing; see {log}"}


def test_a_process_that_is_killed_is_said_to_be(cells) -> None:
    failed = run_apart(cells[:1], PLACES, lambda *_: python("import os; os.kill(os.getpid(), 9)"))
    assert failed["A, keep 0.3, seed 0"].startswith("ended by SIGKILL; see ")


def test_an_interrupt_ends_the_processes_that_run(cells) -> None:
    started = []

    def start(cell, resume, place):  # noqa: ANN001, ANN202
        if cell.seed == 1:
            raise KeyboardInterrupt
        started.append(python("import time; time.sleep(60)"))
        return started[-1]

    with pytest.raises(KeyboardInterrupt):
        run_apart(cells, PLACES, start)
    assert [process.poll() is not None for process in started] == [True]


def test_a_process_that_does_not_stop_is_killed(monkeypatch) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.1)
    code = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    )
    process = python(code, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        processes.end([process])
        assert process.returncode == -signal.SIGKILL


def test_sigterm_ends_the_processes_that_run_once(cells, monkeypatch) -> None:
    """A second SIGTERM, while the processes end, changes nothing."""
    started = []

    def start(cell, resume, place):  # noqa: ANN001, ANN202
        started.append(python("import time; time.sleep(60)"))
        if cell.seed == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return started[-1]

    def compare(options: object) -> None:
        try:
            run_apart(cells, PLACES, start)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("hf_dynsel.cli.COMMANDS", {"compare": compare})
    assert main(["compare", "x.yaml"]) == 128 + signal.SIGTERM
    assert started[0].poll() is not None
    assert signal.getsignal(signal.SIGTERM) is before
    for process in started:
        process.kill()
        process.wait()


def test_what_several_runs_read_is_prepared_once(quickstart, monkeypatch) -> None:
    """Of two seeds, two methods and RS2, each seed needs the scores once."""
    prepared: list[str] = []

    def child(words, place, file):  # noqa: ANN001, ANN202
        prepared.append(file.parent.name)
        return python("")

    monkeypatch.setattr(processes, "_child", child)
    source = source_of(quickstart())
    rows = {
        "R": {"name": "RepDiv"},
        "P": {"name": "RepDiv", "penalty": 0},
        "RS2": {"name": "DynamicRandom"},
    }
    prepare_all(
        [
            source.cell("equal_epochs", 0.3, label, section, seed, {})
            for seed in (0, 1)
            for label, section in rows.items()
        ],
        PLACES[0],
    )
    assert prepared == ["seed-0", "seed-1"]
